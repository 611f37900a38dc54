// The hash by which Cosmos DB spreads documents: MurmurHash3, 128 bits, of a string key (version 2), as hexadecimal.
"use strict";

const MASK = (1n << 64n) - 1n;
const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

const times = (a, b) => (a * b) & MASK;
const rotated = (value, by) => ((value << by) | (value >> (64n - by))) & MASK;
const mixed1 = k => times(rotated(times(k, C1), 31n), C2);
const mixed2 = k => times(rotated(times(k, C2), 33n), C1);

function finished(value) {
  let h = value ^ (value >> 33n);
  h = times(h, 0xff51afd7ed558ccdn);
  h = times(h ^ (h >> 33n), 0xc4ceb9fe1a85ec53n);
  return h ^ (h >> 33n);
}

function hashed(data) {
  const length = BigInt(data.length);
  const whole = data.length - (data.length % 16);
  let h1 = 0n;
  let h2 = 0n;
  for (let at = 0; at < whole; at += 16) {
    h1 = (times(rotated(h1 ^ mixed1(data.readBigUInt64LE(at)), 27n) + h2, 5n) + 0x52dce729n) & MASK;
    h2 = (times(rotated(h2 ^ mixed2(data.readBigUInt64LE(at + 8)), 31n) + h1, 5n) + 0x38495ab5n) & MASK;
  }
  const rest = Buffer.concat([data.subarray(whole), Buffer.alloc(16)]);
  h1 ^= mixed1(rest.readBigUInt64LE(0)) ^ length;
  h2 ^= mixed2(rest.readBigUInt64LE(8)) ^ length;
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  h1 = finished(h1);
  h2 = finished(h2);
  h1 = (h1 + h2) & MASK;
  return [h1, (h2 + h1) & MASK];
}

const known = new Map();

exports.effectivePartitionKey = key => {
  if (!known.has(key)) {
    const [low, high] = hashed(Buffer.concat([Buffer.from([8]), Buffer.from(key), Buffer.from([0xff])]));
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(low, 0);
    bytes.writeBigUInt64LE(high, 8);
    bytes.reverse();
    bytes[0] &= 0x3f;
    known.set(key, bytes.toString("hex").toUpperCase());
  }
  return known.get(key);
};
