/** What a status says of a call, and what its form depends on. */
import type { Dialect } from './reader.ts';

/** Longest message of an error that is believed. */
export const TEXT_BYTES_MAX = 2048;
/** Chunked counted bytes; elements of arrays come one a chunk. */
export const CHUNKED = 0xfe;

const NONE: readonly string[] = [];

export class CallStatus {
  callStatus = 0;
  rows = 0;
  errorCode = 0;
  errorText: string | undefined = undefined;
  cursorId = 0;
  sqlType = 0;
  /** The request's sequence number, where the server repeats it; 0 elsewhere. */
  call = 0;
  /** Where it begins in the reply's tail. */
  offset = 0;
  /** Short status: it has no rows, code or cursor. */
  short = false;
  compilationErrors = false;
  /** Of an array DML: which rows failed and why, the first of them. */
  batchErrors: readonly string[] = NONE;

  /** As new. */
  clear(): this {
    this.callStatus = 0;
    this.rows = 0;
    this.errorCode = 0;
    this.errorText = undefined;
    this.cursorId = 0;
    this.sqlType = 0;
    this.call = 0;
    this.offset = 0;
    this.short = false;
    this.compilationErrors = false;
    this.batchErrors = NONE;
    return this;
  }
}

export interface StatusShape {
  readonly dialect: Dialect;
  readonly fieldVersion: number;
  /** Both sides have the end-of-call status field. */
  readonly callStatusField: boolean;
  /** Statuses begin with a sequence number. */
  readonly sequenceField: boolean;
  readonly bigChunks: boolean;
}

/** Whether the fields have values that statuses have. */
export function isSane(status: CallStatus): boolean {
  const { callStatus, rows, errorCode, cursorId } = status;
  return (
    callStatus >= 0 &&
    callStatus < 0x10000 &&
    rows >= 0 &&
    errorCode >= 0 &&
    errorCode < 100_000 &&
    cursorId >= 0 &&
    cursorId < 0x10000
  );
}
