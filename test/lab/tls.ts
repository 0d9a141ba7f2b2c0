/** A throw-away server certificate for the lab's servers. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../support/process.ts';

export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Writes a self-signed pair into `directory`; the key belongs to `owner`, as both servers demand. */
export async function makeCertificate(directory: string, owner: string): Promise<Certificate> {
  const keyPath = join(directory, `${owner}.key`);
  const certPath = join(directory, `${owner}.crt`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyPath];
  await runChecked(['openssl', 'req', '-x509', ...key, '-out', certPath, '-days', '30', '-subj', '/CN=lab.test']);
  chmodSync(keyPath, 0o600);
  await runChecked(['chown', owner, keyPath, certPath]);
  return { certPath, keyPath };
}
