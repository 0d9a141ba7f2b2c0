/** Passwords: argon2id hashes as PHC strings, and a check that a new one is worth hashing. */
import { hash, verify } from '@node-rs/argon2';
import { PASSWORD_CHARS_MIN } from '../api/session.ts';
import { ConsoleError } from '../error.ts';

/** Of argon2id, the package's default: 64 MiB and 3 passes, about 70 ms on a core. */
const COST = { memoryCost: 65_536, timeCost: 3, parallelism: 1 } as const;
/** Hashes computed at a time; others wait, up to a limit. */
const HASHES_MAX = 2;
const WAITING_MAX = 32;

let running = 0;
const waiting: (() => void)[] = [];

async function oneOfFew<T>(work: () => Promise<T>): Promise<T> {
  if (running >= HASHES_MAX) {
    if (waiting.length >= WAITING_MAX)
      throw new ConsoleError('busy', 'too many sign-ins at once; try again in a moment', { retryAfterS: 2 });
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running++;
  }
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

export function hashPassword(password: string): Promise<string> {
  return oneOfFew(() => hash(password, COST));
}

/** Takes as long whether the person exists or not: without a hash a stand-in is checked, and the answer is no. */
export async function verifyPassword(stored: string | null | undefined, password: string): Promise<boolean> {
  const matches = await oneOfFew(() => verify(stored ?? STAND_IN, password).catch(() => false));
  return matches && typeof stored === 'string';
}

/** Same cost as real hashes; of no password anyone has. */
const STAND_IN = '$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

const COMMON = [
  'password',
  'passwort',
  'qwerty',
  'qwertz',
  'azerty',
  'letmein',
  'welcome',
  'iloveyou',
  'changeme',
  'administrator',
  'admin',
  'wiretrail',
  'secret',
  'monkey',
  'dragon',
  'football',
];

/** Different characters that a password has at least. */
const DIFFERENT_MIN = 6;

/** Throws `weak-password` with the reason. Length counts most; no classes of characters are demanded. */
export function checkStrength(password: string, name: string): void {
  const weak = weaknessOf(password, name);
  if (weak !== undefined) throw new ConsoleError('weak-password', `choose another password: ${weak}`);
}

function weaknessOf(password: string, name: string): string | undefined {
  if (password.length < PASSWORD_CHARS_MIN) return `it has fewer than ${PASSWORD_CHARS_MIN} characters`;
  if (new Set(password).size < DIFFERENT_MIN) return `it has fewer than ${DIFFERENT_MIN} different characters`;
  const plain = password.toLowerCase();
  if (name.length >= 3 && plain.includes(name.toLowerCase())) return 'it contains the name';
  // What is left once common words, digits in a row and repetitions are taken out is what has to be guessed.
  let rest = plain;
  for (const common of COMMON) rest = rest.replaceAll(common, '');
  rest = rest.replace(/(.+?)\1+/g, '$1').replace(/0?123456789?|987654321|abcdef|2[0-9]{3}/g, '');
  if (rest.length < PASSWORD_CHARS_MIN - 4) return 'it is made of common words, rows or repetitions';
  return undefined;
}
