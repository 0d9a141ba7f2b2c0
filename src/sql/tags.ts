/**
 * Key-value pairs of sqlcommenter comments, `key='value',key2='value2'` (https://google.github.io/sqlcommenter/spec/):
 * keys and values are percent-encoded, `\'` stands for a quote in a value. A comment that holds anything else gives none.
 */
import { decodeText } from '../base/text.ts';

/** Pairs kept per statement, and the longest comment that is read; what is beyond is ignored. */
const TAGS_MAX = 32;
const COMMENT_LENGTH_MAX = 4096;

const QUOTE = 0x27;
const EQUALS = 0x3d;

/** Adds the pairs of the comment in `text[start, end)` to `tags`; gives the map when there is at least one pair. */
export function readTags(
  text: string,
  start: number,
  end: number,
  tags: Map<string, string> | undefined,
): Map<string, string> | undefined {
  if (end - start > COMMENT_LENGTH_MAX || end - start < 9) return tags;
  if (text.charCodeAt(start + 1) !== 0x2a || text.charCodeAt(end - 1) !== 0x2f) return tags;
  const body = text.slice(start + 2, end - 2).trim();
  const pairs: [string, string][] = [];
  let at = 0;
  while (at < body.length) {
    const equals = body.indexOf("='", at);
    if (equals <= at) return tags;
    const close = closingQuote(body, equals + 2);
    if (close < 0) return tags;
    const key = body.slice(at, equals).trim();
    if (!/^[\w.%-]+$/.test(key)) return tags;
    pairs.push([percentDecoded(key), percentDecoded(body.slice(equals + 2, close).replaceAll("\\'", "'"))]);
    at = close + 1;
    while (body[at] === ' ') at++;
    if (at < body.length && body[at] !== ',') return tags;
    at++;
  }
  const result = tags ?? new Map<string, string>();
  for (const [key, value] of pairs) if (result.size < TAGS_MAX) result.set(key, value);
  return result.size > 0 ? result : undefined;
}

/** True when the comment may hold tags: it has `='` somewhere near its start. */
export function mayHoldTags(text: string, start: number, end: number): boolean {
  const limit = Math.min(end, start + COMMENT_LENGTH_MAX) - 1;
  for (let i = start; i < limit; i++)
    if (text.charCodeAt(i) === EQUALS && text.charCodeAt(i + 1) === QUOTE) return true;
  return false;
}

function closingQuote(body: string, from: number): number {
  for (let i = from; i < body.length; i++) {
    const c = body.charCodeAt(i);
    if (c === 0x5c) i++;
    else if (c === QUOTE) return i;
  }
  return -1;
}

/** Undoes `%XX`; a malformed escape stays as it is. */
function percentDecoded(value: string): string {
  if (!value.includes('%')) return value;
  const bytes = Buffer.from(value, 'utf8');
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const digits = bytes[i] === 0x25 ? bytes.toString('latin1', i + 1, i + 3) : '';
    if (/^[0-9A-Fa-f]{2}$/.test(digits)) {
      bytes[length++] = Number.parseInt(digits, 16);
      i += 2;
    } else bytes[length++] = bytes[i] as number;
  }
  return decodeText(bytes, 0, length, 'utf8');
}
