/**
 * What a database server says it did, in one form for every server: the truth that audit records are held against.
 *
 * As `server.log.jsonl` beside a recorded capture it is one JSON object a line, in the server's order within a session.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A value as the server prints it; `null` is SQL NULL. Bytes that are no text are `{ hex }`; of what the server does not
 * print, `{ bytes }` has the length where that is said.
 */
export type LoggedValue = string | null | { readonly hex: string } | { readonly bytes: number | null };

/** A login over TCP that the server accepted or refused. */
export interface LoggedLogin {
  readonly kind: 'login';
  readonly server: ServerKind;
  /** The server's own name of the session (process or thread id). */
  readonly session: string;
  /** `address:port` of the client. */
  readonly client: string;
  readonly user: string;
  readonly database?: string;
  readonly program?: string;
  /** The connection was encrypted: a passive sensor can read none of its statements. */
  readonly tls: boolean;
  /** SQLSTATE or native code when it was refused. */
  readonly errorCode?: string;
  /** COM_CHANGE_USER inside a session, not its start. */
  readonly changeUser?: boolean;
}

/** One request that the server executed or refused. */
export interface LoggedStatement {
  readonly kind: 'statement';
  readonly server: ServerKind;
  readonly session: string;
  readonly client: string;
  /** User in force, and the one that logged in, where the server tells them apart. */
  readonly user: string;
  readonly loginUser?: string;
  readonly database?: string;
  /**
   * `query`: text sent as it stands, perhaps several statements; `execute`: a prepared statement, text with
   * placeholders; `inlined`: a prepared statement, text with its values put in; `bulk`: executed for an array of rows.
   */
  readonly command: 'query' | 'execute' | 'inlined' | 'bulk';
  readonly text: string;
  readonly parameters?: readonly LoggedValue[];
  /** SQLSTATE or native code of its (first) error. */
  readonly errorCode?: string;
  readonly errorText?: string;
  /** What the client called itself at that time, where the server logs it. */
  readonly program?: string;
  /** The server's own count of rows: one for each statement of the message that it counted, in order. */
  readonly rows?: readonly LoggedRows[];
}

/** Rows of one executed statement. */
export interface LoggedRows {
  /** Sent to the client. */
  readonly returned?: number;
  readonly affected?: number;
  /** Where the server has one number for both: what its command tag says. */
  readonly processed?: number;
}

export type ServerKind = 'postgres' | 'mariadb' | 'derby';
export type LoggedEntry = LoggedLogin | LoggedStatement;

/** A real server as scenarios and workloads see it. */
export interface LabServer {
  readonly kind: ServerKind;
  readonly port: number;
  /** Waits until no client is connected, then returns what was logged since the last call. */
  collect(): Promise<readonly LoggedEntry[]>;
  stop(): Promise<void>;
}

export function writeLog(path: string, entries: readonly LoggedEntry[]): void {
  writeFileSync(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}

export function readLog(path: string): LoggedEntry[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as LoggedEntry);
}
