// A Cosmos DB server for the tests: node cosmosdb.js FOLDER PORT, FOLDER being that of the package @vercel/cosmosdb-server.
// What is added here, and after which document, is told in ../cosmosdb_server.py.
"use strict";

const { AsyncLocalStorage } = require("async_hooks");
const http = require("http");
const { Readable } = require("stream");
const { effectivePartitionKey } = require("./effective_partition_key");

const [folder, port] = process.argv.slice(2);
const Account = require(`${folder}/lib/account`).default;
const Documents = require(`${folder}/lib/account/documents`).default;
const route = require(`${folder}/lib/routes`).default;

const LARGEST = 2 * 1024 * 1024;
const LONGEST_ID = 1023;
const PAGE = 100;
const PARTIAL_COUNT = '[{"item": COUNT(1)}]';
const HALF = "20".padEnd(32, "0");
const SCOPES = ["x-ms-documentdb-partitionkey", "x-ms-documentdb-partitionkeyrangeid"];
const RANGES = [
  { id: "0", minInclusive: "", maxExclusive: HALF },
  { id: "1", minInclusive: HALF, maxExclusive: "FF" },
];

const account = new Account("127.0.0.1", Number(port));
const requests = new AsyncLocalStorage();
let faults = [];

// Documents in the order of their _rid, by which pages continue; a replaced one would otherwise move to the end.
Documents.prototype.query = function query(params, { maxItemCount, continuation }) {
  const parent = this._parent.read();
  if (!parent) return null;
  const wanted = inScope(requests.getStore().headers);
  const data = [...this._data.values()]
    .map(item => item.read())
    .filter(wanted)
    .sort((a, b) => (a._rid < b._rid ? -1 : 1));
  const partial = params.query.includes(PARTIAL_COUNT);
  try {
    const found = this._getQuery(params.query.replace(PARTIAL_COUNT, "COUNT(1)")).exec(data, {
      parameters: params.parameters,
      maxItemCount: maxItemCount > 0 ? maxItemCount : PAGE,
      continuation,
    });
    return partial ? { ...found, result: found.result.map(item => [{ item }]) } : found;
  } catch (error) {
    error.badRequest = true;
    throw error;
  }
};

const set = Documents.prototype._set;
Documents.prototype._set = function withAttachments(data) {
  return set.call(this, { ...data, _attachments: "attachments/" });
};

// Which documents a query sees: those of one partition key, or of a part of the hashed keys.
function inScope(headers) {
  const key = headers["x-ms-documentdb-partitionkey"];
  if (key) return document => document.id === JSON.parse(key)[0];
  const range = RANGES.find(each => each.id === headers["x-ms-documentdb-partitionkeyrangeid"]);
  const low = headers["x-ms-start-epk"] || (range ? range.minInclusive : "");
  const high = headers["x-ms-end-epk"] || (range ? range.maxExclusive : "FF");
  if (!low && high === "FF") return () => true;
  return document => {
    const hash = effectivePartitionKey(document.id);
    return low <= hash && hash < high;
  };
}

// What the service refuses before it looks at any document.
function refusal(req, parts, body) {
  const id = parts[5];
  if (id !== undefined && /[/\\\u0000-\u001f]/.test(id)) return [400, "the id has characters that are not allowed"];
  if (id !== undefined && (/%[0-9A-Fa-f]{2}|#/.test(id) || id.endsWith(" "))) {
    return [401, "The input authorization token can't serve the request."];
  }
  if (body.length > LARGEST) return [413, "Request size is too large"];
  if (parts[4] !== "docs" || isQuery(req) || !["POST", "PUT"].includes(req.method)) return undefined;
  const document = JSON.parse(body);
  if (Buffer.byteLength(document.id) > LONGEST_ID) return [400, `the id is longer than ${LONGEST_ID} bytes`];
  const { ttl } = document;
  if (ttl !== undefined && !(Number.isInteger(ttl) && (ttl > 0 || ttl === -1))) {
    return [400, `The input ttl '${ttl}' is invalid.`];
  }
  return undefined;
}

function isQuery(req) {
  const { headers } = req;
  return headers["content-type"] === "application/query+json" || isPlan(req) || headers["x-ms-documentdb-isquery"] === "true";
}

function isPlan(req) {
  return (req.headers["x-ms-cosmos-is-query-plan-request"] || "").toLowerCase() === "true";
}

function isMissing(parts) {
  if (parts.length < 5) return false;
  const collection = account.database(parts[1]).collection(parts[3]);
  return !account.database(parts[1]).read() || !collection.read();
}

// Counting in more than one partition: the gateway sends the client to each of them.
function planned(req, body) {
  if (!body.includes("SELECT VALUE COUNT(1)")) return undefined;
  if (isPlan(req)) {
    const info = { distinctType: "None", aggregates: ["Count"], hasSelectValue: true };
    info.rewrittenQuery = JSON.parse(body).query.replace("COUNT(1)", PARTIAL_COUNT);
    const range = { min: "", max: "FF", isMinInclusive: true, isMaxInclusive: false };
    return [200, { partitionedQueryExecutionInfoVersion: 2, queryInfo: info, queryRanges: [range] }, {}];
  }
  if (SCOPES.some(name => name in req.headers)) return undefined;
  return [400, { code: "BadRequest", message: "Cross partition query is not servable." }, { "x-ms-substatus": "1004" }];
}

function isMeant(fault, req, parts) {
  if (fault.writes && isQuery(req)) return false;
  return (fault.account ? !parts.length : parts[4] === "docs") && (!fault.method || fault.method === req.method);
}

async function answer(req, res, parts, body) {
  if (parts[0] === "faults") {
    faults = JSON.parse(body);
    return [200, {}, {}];
  }
  const fault = faults.find(each => each.times > 0 && isMeant(each, req, parts));
  if (fault) {
    fault.times -= 1;
    return [fault.status, { code: String(fault.status), message: fault.message || "injected" }, fault.headers || {}];
  }
  const refused = refusal(req, parts, body);
  if (refused) return [refused[0], { code: "Refused", message: refused[1] }, {}];
  if (isMissing(parts)) {
    return [404, { code: "NotFound", message: "Owner resource does not exist" }, { "x-ms-substatus": "1003" }];
  }
  if (parts[4] === "pkranges") {
    const known = req.headers["if-none-match"] === "ranges";
    return [known ? 304 : 200, { PartitionKeyRanges: known ? [] : RANGES, _count: RANGES.length }, { etag: "ranges" }];
  }
  const plan = isQuery(req) ? planned(req, body) : undefined;
  if (plan) return plan;
  const found = route(req);
  if (!found) return [400, { code: "BadRequest", message: "no route" }, {}];
  const again = Object.assign(Readable.from([body]), { headers: req.headers, method: req.method, url: req.url });
  const result = await requests.run(req, () => found[1](account, again, res, found[0]));
  return [res.statusCode, result, {}];
}

http
  .createServer({ keepAliveTimeout: 60000, maxHeaderSize: 65536 }, async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    // The front end resolves dot segments, written as such or as %2e, before it looks where a request goes.
    const { pathname } = new URL(req.url.replace(/^\/+/, "/"), "http://server");
    req.url = pathname;
    if (SCOPES.some(name => name in req.headers)) {
      req.headers["x-ms-documentdb-query-enablecrosspartition"] = "true";
    }
    let status, body, headers;
    try {
      const parts = pathname.split("/").filter(Boolean).map(decodeURIComponent);
      [status, body, headers] = await answer(req, res, parts, Buffer.concat(chunks));
    } catch (error) {
      [status, body, headers] = [500, { code: "InternalServerError", message: error.stack }, {}];
    }
    if (body && body._etag) res.setHeader("etag", body._etag);
    res.setHeader("content-type", "application/json");
    res.setHeader("x-ms-request-charge", "1");
    Object.entries(headers).forEach(([name, value]) => res.setHeader(name, value));
    res.statusCode = status;
    const silent = status < 300 && req.headers.prefer === "return=minimal" && !isQuery(req);
    res.end(silent || body === undefined || status === 304 ? "" : JSON.stringify(body));
  })
  .listen(Number(port), "127.0.0.1");
