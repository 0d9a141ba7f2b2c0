/** One record by its id: the columns tell which rows may have it, and those rows are looked at, newest segment first. */
import type { Found, StoreReader } from '../reader.ts';
import { identityOf } from '../segment/column-builder.ts';
import { ChunkView } from '../segment/view.ts';
import type { Candidate } from './merge.ts';

/** The record with that id, the newest if there are several; `undefined` when it is not in the store. */
export function recordById(reader: StoreReader, id: string): Found | undefined {
  const wanted = id.toLowerCase();
  const packed = /^[0-9a-f]{32}$/.test(wanted) ? Buffer.from(wanted, 'hex') : id;
  for (const candidate of reader.candidates({}).reverse()) {
    const found = recordIn(reader, candidate, packed, wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

function recordIn(
  reader: StoreReader,
  candidate: Candidate,
  packed: Uint8Array | string,
  wanted: string,
): Found | undefined {
  return reader.withSegment(candidate, (pooled) => {
    const view = new ChunkView();
    const identity = identityOf(packed);
    const seqs = pooled.withColumns(({ chunks }) =>
      chunks.flatMap((chunk) => {
        view.use(chunk, undefined);
        return placesOf(view, identity).map((place) => chunk.firstSeq + place);
      }),
    );
    for (const seq of seqs.reverse()) {
      const record = pooled.segment.record(seq);
      if (record.id === wanted || record.id === packed) return { record, seq, timeUs: record.timeUs };
    }
    return undefined;
  });
}

function placesOf(view: ChunkView, identity: number): number[] {
  const identities = view.words('identity');
  const places: number[] = [];
  for (let at = identities.indexOf(identity); at >= 0 && at < view.rows; at = identities.indexOf(identity, at + 1)) {
    places.push(at);
  }
  return places;
}
