/**
 * Status records cut at the edges of time bins. Counts are spread evenly over a record's time and rounded so that the
 * parts add up to the whole; bins that are multiples of the status interval cut nothing, and are exact.
 */

import { floorTo } from '../base/time.ts';
import type { TimeSpan } from './reader.ts';
import type { FlowEnd, FlowStatus } from './schema.ts';

/** The part of `status` within the span; `undefined` when there is none. */
export function partOf(status: FlowStatus, { fromUs, toUs }: TimeSpan): FlowStatus | undefined {
  const { startUs, endUs } = status;
  if (startUs >= toUs || endUs < fromUs) return undefined;
  if (startUs >= fromUs && endUs < toUs) return status;
  const before = shareBefore(status, fromUs);
  const upTo = shareBefore(status, toUs);
  const isLast = endUs < toUs;
  return {
    ...status,
    startUs: Math.max(startUs, fromUs),
    endUs: Math.min(endUs, toUs - 1),
    client: partOfEnd(status.client, before, upTo),
    server: partOfEnd(status.server, before, upTo),
    // What the connection ended in was not known before its end.
    state: isLast ? status.state : 'CON',
    first: status.first && startUs >= fromUs,
  };
}

/** Share of the record's time, which includes its last microsecond, before a moment. */
function shareBefore({ startUs, endUs }: FlowStatus, timeUs: number): number {
  return Math.min(1, Math.max(0, (timeUs - startUs) / (endUs - startUs + 1)));
}

function partOfEnd(end: FlowEnd, before: number, upTo: number): FlowEnd {
  const part = (count: number): number => Math.round(count * upTo) - Math.round(count * before);
  return {
    address: end.address,
    port: end.port,
    packets: part(end.packets),
    bytes: part(end.bytes),
    payload: part(end.payload),
    retransmitted: part(end.retransmitted),
  };
}

/** Cuts a record at every multiple of `binUs`, within the span. */
export function* binsOf(
  status: FlowStatus,
  binUs: number,
  span: TimeSpan,
): Generator<{ readonly binUs: number; readonly part: FlowStatus }> {
  const firstUs = Math.max(status.startUs, span.fromUs);
  for (let us = floorTo(firstUs, binUs); us <= status.endUs && us < span.toUs; us += binUs) {
    const bin = { fromUs: Math.max(us, span.fromUs), toUs: Math.min(us + binUs, span.toUs) };
    const part = partOf(status, bin);
    if (part !== undefined) yield { binUs: us, part };
  }
}
