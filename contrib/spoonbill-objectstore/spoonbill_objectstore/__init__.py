"""Object stores through obstore. This module is data: the classes are imported when they are used."""

from spoonbill.registry import EngineRow

__all__ = ["ENGINE"]

ENGINE = EngineRow(
    "objectstore",
    stores=("spoonbill_objectstore.store:ObjectStore",),
    backends=("spoonbill_objectstore.backend:Objects",),
    schemes=("objectstore",),
    clients=("obstore",),
    package="obstore",
)
