/** What commands show of a store is written down in it (`store/reads.ts`). */
import { hostname } from 'node:os';
import { osUser } from '../base/os-user.ts';
import { StoreError } from '../store/errors.ts';
import { recordAccesses } from '../store/reads.ts';
import { say } from './text.ts';

/**
 * Writes down that somebody uses the store, before anything is shown. Where nothing can be written, as on read-only
 * media, that is said and the command goes on. False when there is no store.
 */
export function recordAccess(store: string, operation: string, call: string, text: string): boolean {
  const vouched = osUser();
  // Whom `sudo` says it works for; the operating system vouches for the other.
  const user = process.env['SUDO_USER'] ?? vouched;
  const timeUs = Date.now() * 1000;
  const program = 'wiretrail';
  try {
    recordAccesses(store, [{ timeUs, operation, call, text, user, osUser: vouched, host: hostname(), program }]);
  } catch (error) {
    // The command itself says that there is no store.
    if (!(error instanceof StoreError) || error.code === 'not-a-store') return false;
    say(`wiretrail: this access is not recorded: ${error.message}`);
  }
  return true;
}
