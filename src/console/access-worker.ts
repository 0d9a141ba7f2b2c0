/** The thread that writes what people do in the console into the store's record of its use. */
import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../base/errors.ts';
import { type Access, recordAccesses } from '../store/reads.ts';
import type { AccessAnswer } from './access-log.ts';

const port = parentPort;
if (port === null) throw new Error('this file is a thread of the console');
const { directory } = workerData as { readonly directory: string };

port.on('message', (accesses: readonly Access[]) => {
  let problem: string | undefined;
  try {
    recordAccesses(directory, accesses);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problem = error.message;
  }
  port.postMessage({ problem } satisfies AccessAnswer);
});
