/**
 * Forms of national identity numbers and of machine credentials. Numbers with a check character are believed only when
 * it is right; those without have a form that nothing else has. All patterns are of bounded length.
 */

export interface IdentifierForm {
  readonly kind: 'national-id' | 'key';
  /** Global; matches are at most a few hundred characters long. */
  readonly pattern: RegExp;
  /** Whether a match in one spelling (upper case, no space, dash or dot) is real. */
  isValid?(value: string): boolean;
}

/** No letter or digit on either side. */
const ALONE_BEFORE = '(?<![A-Za-z0-9_])';
const ALONE_AFTER = '(?![A-Za-z0-9_])';

function form(kind: IdentifierForm['kind'], body: string, isValid?: (value: string) => boolean): IdentifierForm {
  const pattern = new RegExp(`${ALONE_BEFORE}${body}${ALONE_AFTER}`, 'g');
  return isValid === undefined ? { kind, pattern } : { kind, pattern, isValid };
}

export const IDENTIFIER_FORMS: readonly IdentifierForm[] = [
  // United States, Social Security number: area, group and serial are never zero, area never 666 or above 899.
  form('national-id', '(?!000|666|9)\\d{3}-(?!00)\\d{2}-(?!0000)\\d{4}'),
  // United Kingdom, National Insurance number.
  form('national-id', '[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z](?: ?\\d{2}){3} ?[A-Da-d]'),
  // Spain, DNI and NIE.
  form('national-id', '(?:\\d{8}|[XYZxyz]-?\\d{7})-?[A-Za-z]', isSpanishId),
  // France, NIR (social security).
  form('national-id', '[12] ?\\d{2} ?\\d{2} ?(?:\\d{2}|2[ABab]) ?\\d{3} ?\\d{3} ?\\d{2}', isFrenchNir),
  // Italy, codice fiscale.
  form('national-id', '[A-Za-z]{6}\\d{2}[A-EHLMPR-Ta-ehlmpr-t]\\d{2}[A-Za-z]\\d{3}[A-Za-z]'),
  // Credentials that say what they are.
  form('key', '(?:AKIA|ASIA)[A-Z0-9]{16}'),
  form('key', '(?:gh[opsur]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,251})'),
  form('key', '(?:sk|rk)_live_[A-Za-z0-9]{20,247}'),
  form('key', 'xox[abprs]-[A-Za-z0-9-]{10,250}'),
  form('key', 'eyJ[A-Za-z0-9_-]{10,300}\\.eyJ[A-Za-z0-9_-]{10,4000}\\.[A-Za-z0-9_-]{10,700}'),
  {
    kind: 'key',
    pattern:
      /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g,
  },
];

const SPANISH_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE';

function isSpanishId(value: string): boolean {
  const digits = value.slice(0, -1).replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter)));
  return SPANISH_LETTERS[Number(digits) % SPANISH_LETTERS.length] === value.at(-1);
}

/** The key is 97 less the number modulo 97; in Corsica's departments 2A and 2B count as 19 and 18. */
function isFrenchNir(value: string): boolean {
  const number = value.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97n - (BigInt(number) % 97n) === BigInt(value.slice(13));
}
