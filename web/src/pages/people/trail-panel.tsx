/**
 * The console's own trail: who signed in, saw, exported, changed what. Chained by hashes; nobody can change it. It is searched
 * as records are: query and time are in the address, a click on a name narrows.
 */
import type { JSX } from 'preact';
import type { Trail, TrailEntry } from '#src/console/api/trail.js';
import { queryProblem, useAnswer } from '../../base/answer.ts';
import { formatCount, plural } from '../../base/format.ts';
import { query, scopeParams, useEcho } from '../../base/scope.ts';
import { ownDatabases } from '../../base/session.ts';
import { term, withTerm } from '../../base/terms.ts';
import { linkTo, patched, place, segment, setParams } from '../../base/url.ts';
import { Chips } from '../../ui/chips.tsx';
import { QueryBar } from '../../ui/query-bar.tsx';
import type { QueryLanguage } from '../../ui/query-candidates.ts';
import { Moment } from '../../ui/record-columns.tsx';
import { Answered, Empty } from '../../ui/states.tsx';
import { TableHead } from '../../ui/table-head.tsx';

const PAGE = 100;
/** Actions whose subject is the id of a record. */
const OF_RECORDS: ReadonlySet<string> = new Set(['view', 'reveal', 'packets', 'note']);

const LANGUAGE: QueryLanguage = {
  of: 'trail',
  complete: '/trail/complete',
  example: 'user:petrova action:reveal,export client:10.0.0.0/8 "ticket 4711"',
  // Entries belong to no database.
  scope: () => ({ t: scopeParams()['t'] }),
};

export function TrailPanel(): JSX.Element {
  const before = place.value.params.get('older') ?? undefined;
  const answer = useAnswer<Trail>('/trail', {
    q: query() || undefined,
    t: scopeParams()['t'],
    before: /^[1-9]\d*$/.test(before ?? '') ? before : undefined,
    limit: PAGE,
  });
  useEcho(answer.data?.asked);
  return (
    <div class="stack">
      <QueryBar value={query()} language={LANGUAGE} onRun={(q) => setParams({ q })} problem={queryProblem(answer)} />
      <Chips pinning={false} />
      <section class="panel stack">
        <Answered answer={answer}>
          {(data) => (
            <>
              {ownDatabases.value !== undefined && (
                <p class="small">What you did yourself: entries of others may name databases you may not see.</p>
              )}
              <p class={data.intact ? 'muted small' : 'bad strong'}>
                <b>{formatCount(data.matched)}</b> of {plural(data.total, 'entry', 'entries')};{' '}
                {data.intact ? 'the chain of hashes is unbroken.' : 'THE CHAIN OF HASHES IS BROKEN.'}
              </p>
              {data.entries.length === 0 ? (
                <Empty title="No entry matched">
                  <p>Entries are of the time chosen above; without one, all of them are looked at.</p>
                </Empty>
              ) : (
                <EntryTable entries={data.entries} />
              )}
              <Pages data={data} isFirst={before === undefined} />
            </>
          )}
        </Answered>
      </section>
    </div>
  );
}

function EntryTable({ entries }: { readonly entries: readonly TrailEntry[] }): JSX.Element {
  return (
    <table class="table">
      <TableHead columns={['Time', 'Who', 'From', 'Action', 'What']} />
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.seq}>
            <td>
              <Moment time={entry.time} />
            </td>
            <td class="strong">
              <Narrowing field="user" value={entry.who} />
            </td>
            <td class="mono">
              <Narrowing field="client" value={entry.address} />
            </td>
            <td>
              <Narrowing field="action" value={entry.action} />
            </td>
            <td>
              {OF_RECORDS.has(entry.action) ? (
                <a class="mono" href={linkTo(`/statements/${segment(entry.subject)}`)}>
                  {entry.subject}
                </a>
              ) : (
                entry.subject
              )}{' '}
              <span class="muted">{entry.detail}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A value that a click takes as one more condition. */
function Narrowing({ field, value }: { readonly field: string; readonly value: string }): JSX.Element {
  if (value === '') return <span class="muted">–</span>;
  return <a href={patched({ q: withTerm(query(), term(field, value)) })}>{value}</a>;
}

function Pages({ data, isFirst }: { readonly data: Trail; readonly isFirst: boolean }): JSX.Element {
  const last = data.entries.at(-1)?.seq;
  return (
    <p class="line no-print">
      {!isFirst && (
        <a class="button" href={patched({ older: undefined })}>
          Newest
        </a>
      )}
      {data.entries.length === PAGE && (
        <a class="button" href={patched({ older: String(last) })}>
          Older
        </a>
      )}
    </p>
  );
}
