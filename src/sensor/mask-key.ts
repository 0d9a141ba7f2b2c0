/**
 * The secret of the hashes that stand for masked values. Whoever has it can try values; whoever loses it can no longer
 * join what was masked before with what is masked after.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { makeFolder } from '../base/folder.ts';

const KEY_BYTES = 32;
const KEY_BYTES_MIN = 16;
const KEY_BYTES_MAX = 4096;
export const MASK_KEY_FILE = 'mask.key';

/**
 * The key in `file`; without one the key in the store's folder, made when there is none (readable by its owner only);
 * without a store a random one. Throws a UserError when the file cannot be read, or holds too little to be a secret.
 */
export function maskKeyFor(file: string | undefined, store: string | undefined): Buffer {
  if (file !== undefined) return readKey(file);
  if (store === undefined) return randomBytes(KEY_BYTES);
  const path = join(store, MASK_KEY_FILE);
  try {
    makeFolder(store);
    writeFileSync(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new UserError(`cannot write the mask key: ${(error as Error).message}`);
  }
  return readKey(path);
}

function readKey(path: string): Buffer {
  let text: Buffer;
  try {
    text = readFileSync(path);
  } catch (error) {
    throw new UserError(`cannot read the mask key: ${(error as Error).message}`);
  }
  const key = Buffer.from(text.toString('latin1').trim(), 'latin1');
  if (key.length < KEY_BYTES_MIN || key.length > KEY_BYTES_MAX)
    throw new UserError(`${path}: a mask key has ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes, this has ${key.length}`);
  return key;
}
