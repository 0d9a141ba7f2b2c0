/**
 * Who acts, beyond the login: SET CONTEXT_INFO, with which middleware tells triggers its end user. EXECUTE AS and REVERT
 * are followed by the audit stage, sp_setapprole by `procedures.ts`.
 */
import { decodeText, toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';

const SETTING = /\bSET\s+CONTEXT_INFO\s+(?:0x([0-9a-f]*)|(@\w+))/i;
/** Such statements are short, and begin with one of these words. */
const TEXT_MAX = 1024;
const BEGINNING = /^\s*(?:SET|DECLARE)\b/i;
const PRINTABLE = /^[\p{L}\p{N}\p{P}\p{S} ]+$/u;

/**
 * What the statement sets the context to, as text; the empty string where that is not text. `undefined` when it sets
 * none. A variable is the one value that the statement was given.
 */
export function contextInfo(
  text: string | undefined,
  parameters: readonly BindValue[] | undefined,
): string | undefined {
  if (text === undefined || text.length > TEXT_MAX || !BEGINNING.test(text)) return undefined;
  const [found, literal, variable] = SETTING.exec(text) ?? [];
  if (found === undefined) return undefined;
  if (variable === undefined) return asText(Buffer.from(literal ?? '', 'hex'));
  const [value, ...others] = parameters ?? [];
  if (value === undefined || others.length > 0) return '';
  if (typeof value === 'string') return value;
  return value !== null && typeof value === 'object' && 'hex' in value ? asText(Buffer.from(value.hex, 'hex')) : '';
}

/** Clients cast a string of either width; the server pads with zeros. */
function asText(bytes: Uint8Array): string {
  const isWide = /^(?:[0-9a-f]{2}00)+$/.test(toHex(bytes, 0, bytes.length));
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const text = isWide ? decodeText(bytes, 0, end + (end & 1), 'utf16le') : decodeText(bytes, 0, end, 'utf8');
  return PRINTABLE.test(text) ? text : '';
}
