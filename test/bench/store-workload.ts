/**
 * Records as applications make them, for the bench of the store. Keys are drawn with a skew: 5,000 sessions, 3,000
 * users, 2,000 shapes of statement, 500 objects, texts of about 100 bytes with fresh literals. One record in a thousand
 * is of a visitor: one of 2,000 clients and users who are seen once in two million records.
 */
import type { AuditRecord } from '#src/contracts/record.js';

const START_US = 1_795_168_800_000_000;
const SESSIONS = 5000;
const USERS = 3000;
const SHAPES = 2000;
const OBJECTS = 500;
const VISITORS = 2000;
const VISITS = 0.001;

/** Deterministic 32-bit generator. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Facts that a pipeline builds once a session and once a shape. */
export class Workload {
  private readonly random = generator(42);
  private readonly sessions: readonly Partial<AuditRecord>[];
  private readonly visits: readonly Partial<AuditRecord>[];
  private readonly shapes: readonly Partial<AuditRecord>[];

  constructor() {
    this.sessions = Array.from({ length: SESSIONS }, (_, i) => sessionOf(i, userOf(i % USERS), clientOf(i)));
    this.visits = Array.from({ length: VISITORS }, (_, i) => sessionOf(SESSIONS + i, visitorOf(i), visitorClientOf(i)));
    this.shapes = Array.from({ length: SHAPES }, (_, i) => ({
      kind: 'statement',
      call: 'simple',
      operation: 'SELECT',
      operations: ['SELECT'],
      objects: [objectOf(i % OBJECTS)],
      summary: 'SELECT',
      fingerprint: (i + 1).toString(16).padStart(16, '0'),
    }));
  }

  /** Fills the record with the `n`th statement. */
  fill(record: AuditRecord, n: number): AuditRecord {
    const { random } = this;
    const shape = skewed(random, SHAPES);
    const visit = random() < VISITS;
    const who = visit ? this.visits[Math.floor(VISITORS * random())] : this.sessions[skewed(random, SESSIONS)];
    Object.assign(record, who, this.shapes[shape]);
    record.id = idOf(n);
    record.timeUs = START_US + n * 100;
    record.durationUs = 50 + Math.floor(random() * 5000);
    record.returnedRows = Math.floor(random() * 20);
    const customer = 1_000_000 + Math.floor(random() * 8_999_999);
    record.text = `SELECT o.id, o.total, o.note AS n${shape} FROM ${objectOf(shape % OBJECTS)} o WHERE o.customer = ${customer} AND o.state = 'open'`;
    return record;
  }
}

/** A number below `count`, low ones more often. */
function skewed(random: () => number, count: number): number {
  return Math.floor(count * random() ** 3);
}

function sessionOf(number: number, user: string, clientAddress: string): Partial<AuditRecord> {
  return {
    session: (number + 1).toString(16).padStart(16, '0'),
    user,
    program: `app${number % 37}`,
    namespace: `db${number % 7}`,
    system: 'postgresql',
    clientAddress,
    clientPort: 32_768 + number,
    serverAddress: `10.200.0.${number % 20}`,
    serverPort: 5432,
    sensor: 'bench',
  };
}

function clientOf(session: number): string {
  return `10.${session >> 8}.${session & 255}.${(session * 7) % 250}`;
}

function userOf(number: number): string {
  return `user${number}`;
}

function visitorOf(number: number): string {
  return `visitor${number}`;
}

function visitorClientOf(number: number): string {
  return `172.16.${number >> 8}.${number & 255}`;
}

function objectOf(number: number): string {
  return `shop.orders_${number}`;
}

/** Keys to look for, by the field of the query language that finds them; drawn as often as records have them. */
export function searchedKeys(random: () => number): Readonly<Record<string, () => string>> {
  return {
    client: () => clientOf(skewed(random, SESSIONS)),
    user: () => userOf(skewed(random, USERS)),
    object: () => objectOf(Math.floor(OBJECTS * random())),
  };
}

/** Keys that few segments hold, and one that none does. */
export function rareKeys(random: () => number): Readonly<Record<string, () => string>> {
  return {
    client: () => visitorClientOf(Math.floor(VISITORS * random())),
    user: () => visitorOf(Math.floor(VISITORS * random())),
    object: () => `shop.absent_${Math.floor(OBJECTS * random())}`,
  };
}

function idOf(n: number): string {
  const low = Math.imul(n, 0x9e3779b1) >>> 0;
  const high = Math.imul(n ^ 0x5bd1e995, 0x85ebca6b) >>> 0;
  return hex8(high) + hex8(low) + hex8(n) + hex8(low ^ high);
}

const HEX16: readonly string[] = Array.from({ length: 65_536 }, (_, n) => n.toString(16).padStart(4, '0'));

function hex8(value: number): string {
  return (HEX16[value >>> 16] as string) + (HEX16[value & 0xffff] as string);
}
