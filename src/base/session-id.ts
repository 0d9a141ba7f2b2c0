/** The id of a session, which its audit records and its flow records carry: the same in every replay of its packets. */
import { hash } from 'node:crypto';

const SESSION_HEX_DIGITS = 24;

/** What names a session: its two ends and when it began. */
export interface SessionKey {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Time of its first packet. */
  readonly firstTsUs: number;
}

/** 96 bits, hexadecimal. */
export function sessionId(connection: SessionKey): string {
  const { clientAddress, clientPort, serverAddress, serverPort, firstTsUs } = connection;
  const name = `${clientAddress} ${clientPort} ${serverAddress} ${serverPort} ${firstTsUs}`;
  return hash('sha256', name, 'hex').slice(0, SESSION_HEX_DIGITS);
}
