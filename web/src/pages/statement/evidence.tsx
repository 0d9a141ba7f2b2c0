/** Where the record stands in the store's hash chain, and the line by which anybody can later prove it. */
import type { JSX } from 'preact';
import type { RecordView } from '#src/console/api/records.js';
import { formatCount } from '../../base/format.ts';

const SHOWN_CHARS = 12;

export function Evidence({ evidence }: { readonly evidence: NonNullable<RecordView['evidence']> }): JSX.Element {
  const { segment, record, block, sha256, anchor, signed } = evidence;
  const name = segment.replace(/^.*\//, '').replace(/\.db$/, '');
  return (
    <details class="evidence">
      <summary>
        Evidence: segment {name}
        {record !== undefined && `, record ${formatCount(record)}`},{' '}
        <span class="mono">SHA-256 {sha256.slice(0, SHOWN_CHARS)}…</span>
      </summary>
      <p class="small">
        The hash chain up to {block === undefined ? 'the end of its block' : `record ${formatCount(block.last)}`} covers
        this record{block !== undefined && `, those of its block from ${formatCount(block.first)} on`}, and all before.{' '}
        {signed ? 'The segment is signed by a key outside the store.' : 'The segment is not signed.'}
      </p>
      <p class="mono small">{sha256}</p>
      {anchor !== undefined && (
        <>
          <p class="small">Keep this line elsewhere; the store must still hold against it later:</p>
          <p class="mono small">wiretrail verify --anchor "{anchor}"</p>
        </>
      )}
    </details>
  );
}
