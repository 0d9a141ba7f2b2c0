/** Who was logged in on a connection, by the audit records that carry its id. */
import { valueFilter } from '../query/build.ts';
import { StoreReader } from '../store/reader.ts';

const SESSIONS_MAX = 100_000;

export class SessionUsers {
  private readonly reader: StoreReader;
  private readonly known = new Map<string, string>();

  constructor(store: string) {
    this.reader = new StoreReader(store);
  }

  /** Empty when no record names a user. */
  readonly userOf = (session: string): string => {
    const known = this.known.get(session);
    if (known !== undefined) return known;
    const user = this.find(session);
    if (this.known.size < SESSIONS_MAX) this.known.set(session, user);
    return user;
  };

  close(): void {
    this.reader.close();
  }

  private find(session: string): string {
    for (const record of this.reader.query({ filter: valueFilter('session', session), order: 'oldest', limit: 100 })) {
      if (record.user !== undefined) return record.user;
    }
    return '';
  }
}
