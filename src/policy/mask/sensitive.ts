/**
 * Finds values that must not be stored: payment card numbers (ISO/IEC 7812-1, checked by Luhn's formula), IBANs (ISO
 * 13616, checked modulo 97), e-mail addresses (the common part of RFC 5321), national identity numbers and credentials
 * (`identifiers.ts`). Linear in the text.
 */
import { IDENTIFIER_FORMS } from './identifiers.ts';

export const SENSITIVE_KINDS = ['card', 'iban', 'email', 'national-id', 'key'] as const;
export type SensitiveKind = (typeof SENSITIVE_KINDS)[number];

export interface SensitiveSpan {
  readonly kind: SensitiveKind;
  /** UTF-16 units, half open. */
  readonly start: number;
  readonly end: number;
  /** One spelling for all ways to write it, so that equal values stay equal. */
  readonly value: string;
}

/** Spans of the wanted kinds, rising, without overlap. */
export function findSensitive(text: string, kinds: ReadonlySet<SensitiveKind>): readonly SensitiveSpan[] {
  const found: SensitiveSpan[] = [];
  if (kinds.has('card')) collectCards(found, text);
  if (kinds.has('iban')) collectIbans(found, text);
  if (kinds.has('email')) collectEmails(found, text);
  for (const { kind, pattern, isValid } of IDENTIFIER_FORMS) {
    if (!kinds.has(kind)) continue;
    for (const match of text.matchAll(pattern)) {
      const value = kind === 'key' ? match[0] : match[0].replace(/[ .-]/g, '').toUpperCase();
      if (isValid?.(value) === false) continue;
      found.push({ kind, start: match.index, end: match.index + match[0].length, value });
    }
  }
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  let end = 0;
  return found.filter((span) => {
    if (span.start < end) return false;
    end = span.end;
    return true;
  });
}

/** Groups of digits with a single space or dash between them, and no letter or further digit around. */
const DIGIT_GROUPS = /(?<![A-Za-z0-9_.])\d+(?:[ -]\d+)*(?![A-Za-z0-9_]|\.\d)/g;
const CARD_DIGITS_MIN = 13;
const CARD_DIGITS_MAX = 19;
/** Cards are printed in groups of three to six; a list of small numbers is none. */
const GROUP_DIGITS_MIN = 3;

/** A card number is some of the groups: others may stand before it and behind it (`4111 1111 1111 1111 12/27`). */
function collectCards(found: SensitiveSpan[], text: string): void {
  for (const run of text.matchAll(DIGIT_GROUPS)) {
    if (run[0].length < CARD_DIGITS_MIN) continue;
    const groups = [...run[0].matchAll(/\d+/g)].map((group) => ({ digits: group[0], start: run.index + group.index }));
    let from = 0;
    while (from < groups.length) {
      const { span, count } = cardAt(groups, from);
      if (span !== undefined) found.push(span);
      from += count;
    }
  }
}

interface DigitGroup {
  readonly digits: string;
  readonly start: number;
}

/** The longest card number that begins with a group, and how many groups it takes; one group is passed without. */
function cardAt(groups: readonly DigitGroup[], from: number): { span: SensitiveSpan | undefined; count: number } {
  let value = '';
  let best: SensitiveSpan | undefined;
  let count = 1;
  const start = groups[from]?.start ?? 0;
  for (let i = from; i < groups.length; i++) {
    const group = groups[i];
    if (
      group === undefined ||
      group.digits.length < GROUP_DIGITS_MIN ||
      value.length + group.digits.length > CARD_DIGITS_MAX
    )
      break;
    value += group.digits;
    if (value.length < CARD_DIGITS_MIN || !isIssued(value) || !passesLuhn(value)) continue;
    best = { kind: 'card', start, end: group.start + group.digits.length, value };
    count = i - from + 1;
  }
  return { span: best, count };
}

/** The ranges of the payment networks: 2221 to 2720, and what begins with 3 to 6. */
function isIssued(value: string): boolean {
  const prefix = Number(value.slice(0, 4));
  return (prefix >= 3000 && prefix < 7000) || (prefix >= 2221 && prefix <= 2720);
}

export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits.charCodeAt(i) - 0x30;
    const weighted = double ? digit * 2 : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
}

/** Country and check digits, then letters and digits with single spaces between; the country tells where it ends. */
const IBAN = /(?<![A-Za-z0-9_])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}/g;

/** Length by country, of the IBAN registry. */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27
   GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27
   MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23
   TN24 TR26 UA29 VA22 VG24 XK20`
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** What follows an IBAN may look like its continuation, so the search goes on where it really ended. */
function collectIbans(found: SensitiveSpan[], text: string): void {
  IBAN.lastIndex = 0;
  for (let match = IBAN.exec(text); match !== null; match = IBAN.exec(text)) {
    const span = toIban(match[0], match.index);
    if (span !== undefined) found.push(span);
    IBAN.lastIndex = span?.end ?? match.index + 1;
  }
}

function toIban(candidate: string, start: number): SensitiveSpan | undefined {
  const length = IBAN_LENGTHS.get(candidate.slice(0, 2).toUpperCase());
  if (length === undefined) return undefined;
  let end = 0;
  let value = '';
  while (end < candidate.length && value.length < length) {
    const char = candidate[end++] ?? '';
    if (char !== ' ') value += char.toUpperCase();
  }
  if (value.length < length || /^[A-Za-z0-9]/.test(candidate.slice(end)) || !passesMod97(value)) return undefined;
  return { kind: 'iban', start, end: start + end, value };
}

/** The first four characters go to the end, letters count from A = 10: the number is 1 modulo 97. */
function passesMod97(iban: string): boolean {
  let rest = 0;
  for (const char of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

const LOCAL = /[A-Za-z0-9._%+-]/;
const LOCAL_CHARS_MAX = 64;
const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])/;
const DOMAIN_CHARS_MAX = 255;

function collectEmails(found: SensitiveSpan[], text: string): void {
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < LOCAL_CHARS_MAX && LOCAL.test(text[start - 1] ?? '')) start--;
    const domain = DOMAIN.exec(text.slice(at + 1, at + 1 + DOMAIN_CHARS_MAX))?.[0];
    if (start === at || domain === undefined) continue;
    const end = at + 1 + domain.length;
    found.push({ kind: 'email', start, end, value: text.slice(start, end).toLowerCase() });
  }
}
