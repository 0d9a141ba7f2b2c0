/** SYNCCTL (DRDA volume 3, "XA"): steps of a distributed transaction. */
import * as cp from './codepoints.ts';
import type { DdmReader } from './ddm.ts';
import type { Request } from './session.ts';

const OPERATIONS: ReadonlyMap<number, string> = new Map([
  [0x01, 'XA PREPARE'],
  [0x02, 'XA MIGRATE'],
  [0x03, 'XA COMMIT'],
  [0x04, 'XA ROLLBACK'],
  [0x06, 'XA FORGET'],
  [0x09, 'XA START'],
  [0x0b, 'XA END'],
  [0x0c, 'XA RECOVER'],
]);

/** Names the step, and the transaction as `format:global:branch` in hexadecimal. */
export function onSyncControl(request: Request, parameters: DdmReader): void {
  const event = request.events[0];
  if (event === undefined) return;
  event.operation = 'XA';
  while (parameters.next()) {
    const { codePoint, body } = parameters;
    if (codePoint === cp.SYNCTYPE && body.remaining() === 1) {
      event.operation = OPERATIONS.get(body.u8()) ?? 'XA';
    } else if (codePoint === cp.XID && body.remaining() >= 4) {
      const format = body.i32be();
      // Format -1: no distributed transaction, the step is one of the connection itself.
      if (format === -1) event.operation = event.operation?.replace(/^XA (?=COMMIT|ROLLBACK)/, '');
      if (format === -1 || body.remaining() < 8) continue;
      const globalBytes = body.u32be();
      const branchBytes = body.u32be();
      const global = body.hex(globalBytes);
      const branch = body.hex(branchBytes);
      if (!body.failed) event.parameters = [`${format >>> 0}:${global}:${branch}`];
    }
  }
}

/** XA return values below zero are errors, 100 to 107 say that the transaction was rolled back. */
export function xaError(value: number): string | undefined {
  return value < 0 || (value >= 100 && value <= 107) ? String(value) : undefined;
}
