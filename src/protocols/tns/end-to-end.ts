/** The end-to-end attributes (client identifier, module, action and others) that ride in front of a call. */
import { decodeText, type TextEncodingName } from '../../base/text.ts';
import { MSG_FUNCTION, MSG_PIGGYBACK } from './constants.ts';
import { siblings } from './dialect.ts';
import type { TtcReader } from './reader.ts';
import type { EndToEnd } from './request.ts';

/** The client identifier is among the attributes. */
const FLAG_CLIENT_ID = 0x01;
/** Pairs of pointer and length: thin drivers write nine, OCI eight (from 12c on) or seven. */
const PAIRS: readonly number[] = [9, 8, 7];
/** Client identifier, module, action, execution context, client info, database operation: in this order as texts. */
const TEXT_PAIRS: readonly number[] = [0, 1, 2, 3, 5, 8];

/**
 * Reads the attributes; the reader ends behind them, or fails. `sequence` is the piggyback's: what follows it tells
 * which number of pairs it was.
 */
export function readEndToEnd(reader: TtcReader, encoding: TextEncodingName, sequence: number): EndToEnd | undefined {
  const { bytes, pos, end, dialect } = reader;
  for (const tried of siblings(dialect)) {
    for (const pairs of PAIRS) {
      reader.resume(bytes, pos, end);
      reader.dialect = tried;
      const found = attempt(reader, encoding, pairs);
      const next = bytes[reader.pos];
      const lands =
        (next === MSG_FUNCTION || next === MSG_PIGGYBACK) && bytes[reader.pos + 2] === ((sequence + 1) & 0xff);
      reader.dialect = dialect;
      if (!reader.failed && lands && reader.pos < end) return found;
    }
  }
  reader.resume(bytes, pos, end);
  reader.fail();
  return undefined;
}

function attempt(reader: TtcReader, encoding: TextEncodingName, pairs: number): EndToEnd {
  reader.anyPointer();
  reader.anyPointer();
  const flags = reader.ub(4);
  const lengths: number[] = [];
  for (let i = 0; i < pairs; i++) {
    reader.anyPointer();
    lengths.push(reader.ub(4));
  }
  reader.pad();
  const texts = new Map<number, string>();
  for (const index of TEXT_PAIRS) {
    const text = (lengths[index] ?? 0) > 0 ? reader.clr() : undefined;
    if (text !== undefined) texts.set(index, decodeText(text, 0, text.length, encoding));
  }
  return { clientId: texts.get(0), module: texts.get(1), hasClientId: (flags & FLAG_CLIENT_ID) !== 0 };
}
