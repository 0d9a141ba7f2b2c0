/** The console's own trail: who signed in, saw, exported, changed what. Chained by hashes; nobody can change it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Trail } from '#src/console/api/people.js';
import { useAnswer } from '../../base/answer.ts';
import { plural } from '../../base/format.ts';
import { ownDatabases } from '../../base/session.ts';
import { linkTo, segment } from '../../base/url.ts';
import { Field } from '../../ui/form.tsx';
import { Moment } from '../../ui/record-columns.tsx';
import { Answered } from '../../ui/states.tsx';
import { TableHead } from '../../ui/table-head.tsx';

const PAGE = 100;
/** Actions whose subject is the id of a record. */
const OF_RECORDS: ReadonlySet<string> = new Set(['view', 'reveal', 'packets', 'note']);

export function TrailPanel(): JSX.Element {
  const [who, setWho] = useState('');
  const [action, setAction] = useState('');
  const [before, setBefore] = useState<number | undefined>(undefined);
  const answer = useAnswer<Trail>('/trail', {
    limit: PAGE,
    before,
    who: who.trim() || undefined,
    action: action.trim() || undefined,
  });
  const last = answer.data?.entries.at(-1)?.seq;
  return (
    <section class="panel stack">
      <div class="form-line no-print">
        <Field text="Who" value={who} onText={setWho} placeholder="petrova" />
        <Field text="Action" value={action} onText={setAction} placeholder="reveal" />
      </div>
      <Answered answer={answer}>
        {(data) => (
          <>
            {ownDatabases.value !== undefined && (
              <p class="small">What you did yourself: entries of others may name databases you may not see.</p>
            )}
            <p class={data.intact ? 'muted small' : 'bad strong'}>
              {plural(data.total, 'entry', 'entries')};{' '}
              {data.intact ? 'the chain of hashes is unbroken.' : 'THE CHAIN OF HASHES IS BROKEN.'}
            </p>
            <table class="table">
              <TableHead columns={['Time', 'Who', 'From', 'Action', 'What']} />
              <tbody>
                {data.entries.map((entry) => (
                  <tr key={entry.seq}>
                    <td>
                      <Moment time={entry.time} />
                    </td>
                    <td class="strong">{entry.who}</td>
                    <td class="mono">{entry.address}</td>
                    <td>
                      <span class="tag">{entry.action}</span>
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
            <p class="line no-print">
              {before !== undefined && (
                <button type="button" class="button" onClick={() => setBefore(undefined)}>
                  Newest
                </button>
              )}
              {data.entries.length === PAGE && (
                <button type="button" class="button" onClick={() => setBefore(last)}>
                  Older
                </button>
              )}
            </p>
          </>
        )}
      </Answered>
    </section>
  );
}
