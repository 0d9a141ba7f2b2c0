/**
 * Runs programs of Oracle's thin driver against the scripted server and returns what the sensor says of the bytes
 * between them, replayed as a capture.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as t from '#src/protocols/tns/testing.js';
import { writeConversation } from '../support/recorder.ts';
import { type JsonRecord, replayToRecords } from '../support/replay.ts';
import { ScriptedServer, type ServerOptions, TIME_ZONE_QUERY } from './server.ts';

/** The part of the driver that is used here; it comes without types. */
export interface Connection {
  execute(
    sql: string,
    binds?: unknown,
    options?: Record<string, unknown>,
  ): Promise<{ rows?: unknown[][]; outBinds?: unknown; implicitResults?: unknown[] }>;
  executeMany(sql: string, rows: unknown, options?: Record<string, unknown>): Promise<unknown>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  close(): Promise<void>;
  clientId: string;
  module: string;
  action: string;
  currentSchema: string;
  createLob(type: unknown): Promise<Lob>;
  directPathLoad(schema: string, table: string, columns: readonly string[], rows: unknown): Promise<void>;
  runPipeline(pipeline: Pipeline, continueOnError?: boolean): Promise<unknown>;
}
export interface Lob {
  end(content: string | Uint8Array, done: () => void): void;
  getData(): Promise<string | Uint8Array>;
  close(): Promise<void>;
}
export interface Pipeline {
  addExecute(sql: string, binds?: unknown): void;
  addCommit(): void;
}
export interface Cursor {
  getRows(count: number): Promise<unknown[]>;
  close(): Promise<void>;
}
export interface Driver {
  getConnection(options: Record<string, unknown>): Promise<Connection>;
  readonly [constant: string]: unknown;
}
export const oracledb: Driver = createRequire(import.meta.url)('oracledb') as Driver;

const PASSWORD = 'tiger-secret';
export const ORACLE_PORT = 1521;

/** Runs a program on a connection and returns what the sensor says of it. */
export async function observe(
  options: Omit<ServerOptions, 'password'>,
  program: (connection: Connection, server: ScriptedServer) => Promise<void>,
  login: Record<string, unknown> = {},
): Promise<JsonRecord[]> {
  const server = new ScriptedServer({ ...options, password: PASSWORD });
  await server.listen();
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-tns-'));
  try {
    const connectString = `127.0.0.1:${server.port}/shop`;
    const connection = await oracledb.getConnection({ user: 'scott', password: PASSWORD, connectString, ...login });
    await program(connection, server);
    await connection.close();
  } catch (error) {
    if (options.refuse === undefined && options.refuseLogin === undefined) throw error;
  } finally {
    server.close();
    writeConversation(join(folder, 'capture.pcap'), ORACLE_PORT, server.heard);
  }
  const records = replayToRecords([join(folder, 'capture.pcap')]);
  rmSync(folder, { recursive: true });
  assert.ok(!JSON.stringify(records).includes(PASSWORD));
  return records;
}

/** Statements of the program, without the driver's own. */
export function statements(records: readonly JsonRecord[]): JsonRecord[] {
  const own = records.filter((record) => record['db.query.text'] === TIME_ZONE_QUERY);
  assert.equal(own.length, 1, 'the driver asks for the time zone once');
  return records.filter(
    (record) => record['audit.kind'] === 'statement' && record['db.query.text'] !== TIME_ZONE_QUERY,
  );
}

export function texts(records: readonly JsonRecord[]): unknown[] {
  return records.map((record) => record['db.query.text'] ?? record['db.operation.name']);
}

/** Scripts the status alone. */
export function done(server: ScriptedServer, options: t.OerOptions): void {
  server.replies.push((seq) => t.bytes(t.PARAMETERS, server.oer(seq, options)));
}
