"""What a PostgreSQL store can be opened with."""

from typing import Any, TypedDict

__all__ = ["PostgresOptions"]


class PostgresOptions(TypedDict, total=False):
    """Options of `Postgres` and ``PostgresStore``. Any other one goes to ``psycopg.connect`` as well.

    Attributes
    ----------
    schema : str
        The schema of the table; by default the first one of the server's ``search_path``.
    create : bool
        False: a missing table is an error. By default the first write makes it.
    client : psycopg_pool.ConnectionPool
        A pool of yours, which is never closed. The address and the options for connections are then not used.
    max_connections : int
        The most connections to the server, 20 by default.
    timeout : float
        Seconds that a call waits for a connection, also while the server starts anew; 30 by default.
    statement_timeout : float
        Seconds after which the server cancels a statement.
    user, password : str
        For ``psycopg.connect``, as are all that follow.
    host, dbname, service, application_name, options : str
        As libpq describes them.
    port, connect_timeout, keepalives_idle : int
        As libpq describes them.
    sslmode, sslrootcert, sslcert, sslkey : str
        How the connection is encrypted.
    """

    schema: str
    create: bool
    client: Any
    max_connections: int
    timeout: float
    statement_timeout: float
    user: str
    password: str
    host: str
    dbname: str
    service: str
    application_name: str
    options: str
    port: int
    connect_timeout: int
    keepalives_idle: int
    sslmode: str
    sslrootcert: str
    sslcert: str
    sslkey: str
