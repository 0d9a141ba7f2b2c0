/** One-time codes of RFC 6238 (over RFC 4226): six digits, SHA-1, steps of 30 seconds, as all authenticator apps do. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const STEP_S = 30;
const DIGITS = 6;
/** Steps before and after the present one that are taken too, for clocks that differ. */
const STEPS_AROUND = 1;
const SECRET_BYTES = 20;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The code of one step (RFC 4226 §5.3). */
export function totpCode(secret: Uint8Array, step: number, digits: number = DIGITS): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0xf;
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits;
  return String(number).padStart(digits, '0');
}

/** The step a code belongs to, looked for after `lastStep` only, so that no code is taken twice; else `undefined`. */
export function totpStep(secret: Uint8Array, code: string, timeMs: number, lastStep: number): number | undefined {
  const now = Math.floor(timeMs / 1000 / STEP_S);
  for (let step = now - STEPS_AROUND; step <= now + STEPS_AROUND; step++) {
    const expected = Buffer.from(totpCode(secret, step));
    const given = Buffer.from(code);
    if (step > lastStep && given.length === expected.length && timingSafeEqual(given, expected)) return step;
  }
  return undefined;
}

export function newTotpSecret(): string {
  return toBase32(randomBytes(SECRET_BYTES));
}

export function totpUri(secret: string, name: string): string {
  return `otpauth://totp/Wiretrail:${encodeURIComponent(name)}?secret=${secret}&issuer=Wiretrail`;
}

/** RFC 4648 §6, without padding. */
export function toBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += BASE32.charAt((held >>> (bits - 5)) & 31);
    held &= 0xff;
  }
  return bits === 0 ? text : text + BASE32.charAt((held << (5 - bits)) & 31);
}

/** Characters outside the alphabet are skipped. */
export function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of text.toUpperCase()) {
    const value = BASE32.indexOf(letter);
    if (value < 0) continue;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >>> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}
