/**
 * Signatures over the list of segments: Ed25519 (RFC 8032), by a key that is kept outside the store. Who can write to
 * the directory can make a new hash chain, but not sign it. A sealed segment is signed with its place, its span and
 * both ends of its chain; a dropped one again, so that nobody can pass a removal off as expiry.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { StoreError } from '../errors.ts';

/** What is signed of a segment. */
export interface SignedFacts {
  readonly number: number;
  readonly firstSeq: number;
  readonly rows: number;
  readonly timeMinUs: number | undefined;
  readonly timeMaxUs: number | undefined;
  readonly chainBefore: Uint8Array;
  readonly chainAfter: Uint8Array;
}

/** What a signature says: the segment was complete, or it expired. */
export type Signed = 'sealed' | 'dropped';

/** PEM (PKCS #8) of an Ed25519 private key outside the store. Throws `StoreError` (`usage`). */
export function readSignKey(file: string, directory: string): KeyObject {
  if (isInside(file, directory)) throw new StoreError('usage', `${file}: the key must not lie in the store it signs`);
  return readKey(file, createPrivateKey);
}

/** PEM of an Ed25519 public key; a private one does as well. Throws `StoreError` (`usage`). */
export function readVerifyKey(file: string): KeyObject {
  return readKey(file, createPublicKey);
}

export function signSegment(key: KeyObject, what: Signed, facts: SignedFacts): Uint8Array {
  return sign(null, statementOf(what, facts), key);
}

export function isSigned(key: KeyObject, what: Signed, facts: SignedFacts, signature: Uint8Array | undefined): boolean {
  return signature !== undefined && verify(null, statementOf(what, facts), key, signature);
}

/** One line of text, so that it can be made and checked by other programs too. */
function statementOf(what: Signed, facts: SignedFacts): Buffer {
  const { number, firstSeq, rows, timeMinUs, timeMaxUs, chainBefore, chainAfter } = facts;
  const ends = [chainBefore, chainAfter].map((digest) => Buffer.from(digest).toString('hex'));
  const words = ['wiretrail-segment-1', what, number, firstSeq, rows, timeMinUs ?? '-', timeMaxUs ?? '-', ...ends];
  return Buffer.from(words.join(' '));
}

function readKey(file: string, parse: (pem: Buffer) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = parse(readFileSync(file));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'no such key file' : 'not a key in PEM';
    throw new StoreError('usage', `${file}: ${reason}`, { cause: error });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new StoreError('usage', `${file}: an Ed25519 key is needed (openssl genpkey -algorithm ed25519)`);
  }
  return key;
}

function isInside(file: string, directory: string): boolean {
  try {
    const path = relative(realpathSync(directory), join(realpathSync(dirname(file)), 'key'));
    return path !== '..' && !path.startsWith('../');
  } catch {
    return false; // one of them does not exist, so neither holds the other
  }
}
