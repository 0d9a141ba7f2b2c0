/** The console's certificate: one's own, or one that openssl makes for the names it is reached by. */

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { makeFolder } from '../base/folder.ts';
import { DAY_MS } from '../base/time.ts';

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** SHA-256 of the certificate, as browsers show it. */
  readonly fingerprint: string;
}

/** The longest that browsers take. */
const DAYS = 397;
/** A generated certificate that ends sooner is made anew. */
const LEFT_MS_MIN = 30 * DAY_MS;

/** Throws a UserError when the files cannot be read or do not belong together. */
export function readTls(certFile: string, keyFile: string): TlsFiles {
  const cert = read(certFile);
  const key = read(keyFile);
  try {
    return { cert, key, fingerprint: new X509Certificate(cert).fingerprint256 };
  } catch (error) {
    throw new UserError(`${certFile}: no certificate in PEM (${(error as Error).message})`);
  }
}

/** The certificate in `folder`, made when there is none or it is about to end. Throws a UserError. */
export function generatedTls(folder: string, host: string): TlsFiles {
  const certFile = join(folder, 'console-cert.pem');
  const keyFile = join(folder, 'console-key.pem');
  if (!isCurrent(certFile, keyFile)) generate(folder, certFile, keyFile, host);
  return readTls(certFile, keyFile);
}

function isCurrent(certFile: string, keyFile: string): boolean {
  if (!existsSync(certFile) || !existsSync(keyFile)) return false;
  try {
    return Date.parse(new X509Certificate(readFileSync(certFile)).validTo) > Date.now() + LEFT_MS_MIN;
  } catch {
    return false;
  }
}

function generate(folder: string, certFile: string, keyFile: string, host: string): void {
  const names = new Set(['DNS:localhost', 'IP:127.0.0.1', 'IP:::1', `DNS:${hostname()}`]);
  if (/^[\d.]+$|:/.test(host)) names.add(`IP:${host}`);
  else names.add(`DNS:${host}`);
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  const subject = ['-subj', '/CN=Wiretrail console', '-addext', `subjectAltName=${[...names].join(',')}`];
  try {
    makeFolder(folder);
    // The key file gets its narrow mode before there is anything in it.
    const files = ['-days', String(DAYS), '-keyout', keyFile, '-out', certFile];
    execFileSync('openssl', [...request, ...subject, ...files], { stdio: 'pipe' });
    chmodSync(keyFile, 0o600);
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' && syscall?.startsWith('spawn') ? 'openssl is not installed' : message;
    throw new UserError(`no certificate could be made (${reason.split('\n')[0]}): give --cert and --key`);
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UserError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}
