/** A capture of a PostgreSQL connection whose every text tries to become markup or script in a browser. */

import { pcapHeader, pcapRecord } from '#src/capture/files/pcap-writer.js';
import { Conversation } from '#src/capture/synthetic.js';
import {
  auth,
  columns,
  complete,
  error,
  query,
  ready,
  row,
  startup,
  terminate,
} from '#src/protocols/postgres/testing.js';

export const HOSTILE = {
  user: '<img src=x onerror="window.pwned=1">',
  program: '"><script>window.pwned=2</script>',
  database: "</title><svg onload='window.pwned=3'>",
  statement:
    'select \'<script>window.pwned=4</script>\' as "</script><img src=x onerror=window.pwned=5>" from "<b onmouseover=window.pwned=6>t</b>"',
  attribute: 'drop table "javascript:window.pwned=7//" -- {{constructor.constructor("window.pwned=8")()}}',
  /** Reads as another statement where the direction of writing is followed; the page shows signs instead. */
  turned: 'select 1 \u202e;secalp ta ,1\u0007 tceles\u202c',
  error: '<iframe srcdoc="<script>parent.pwned=10</script>"></iframe>',
} as const;

/** The capture's bytes; the connection begins at `startMs`. */
export function hostileCapture(startMs: number): Uint8Array {
  const talk = new Conversation({
    startNs: BigInt(startMs) * 1_000_000n,
    client: { address: '10.9.9.9', port: 45_678 },
  });
  talk.open();
  talk.toServer(startup({ user: HOSTILE.user, database: HOSTILE.database, application_name: HOSTILE.program }));
  talk.toClient(Buffer.concat([auth(0), ready()]));
  talk.toServer(query(HOSTILE.statement));
  talk.toClient(Buffer.concat([columns('<u>c</u>'), row('<i>v</i>'), complete('SELECT 1'), ready()]));
  talk.toServer(query(HOSTILE.turned));
  talk.toClient(Buffer.concat([columns('c'), row('v'), complete('SELECT 1'), ready()]));
  talk.toServer(query(HOSTILE.attribute));
  talk.toClient(Buffer.concat([error('42P01', HOSTILE.error), ready()]));
  talk.toServer(terminate);
  talk.close();
  return Buffer.concat([pcapHeader(), ...talk.packets.map((packet) => pcapRecord(packet))]);
}
