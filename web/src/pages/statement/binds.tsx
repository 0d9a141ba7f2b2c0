/** Bind values: types and lengths for everybody, the values themselves after a reveal with a reason, which is recorded. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RecordView, Revealed } from '#src/console/api/records.js';
import { send } from '../../base/api.ts';
import { formatCount, plural } from '../../base/format.ts';
import { session } from '../../base/session.ts';
import { segment } from '../../base/url.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { CodeField, Field, useSending } from '../../ui/form.tsx';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/states.tsx';

/** Shown at once; more are a click away. */
const SHOWN_MAX = 50;

export function BindTable({ view }: { readonly view: RecordView }): JSX.Element | null {
  const [asking, setAsking] = useState(false);
  const [revealed, setRevealed] = useState<Revealed | undefined>(undefined);
  const [all, setAll] = useState(false);
  if (view.binds.length === 0) return null;
  const listed = all ? view.binds : view.binds.slice(0, SHOWN_MAX);
  const shown = new Map(revealed?.values.map((value) => [value.position, value.value]));
  return (
    <section>
      <div class="split">
        <h3>Bind values</h3>
        {revealed === undefined && view.mayReveal && (
          <button type="button" class="button plain" onClick={() => setAsking(true)}>
            <Icon name="eye" /> Reveal with a reason
          </button>
        )}
      </div>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Place</th>
            <th scope="col">Type</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {listed.map((bind) => (
            <tr key={bind.position}>
              <td class="mono">{bind.position + 1}</td>
              <td>{bind.type}</td>
              <td class="mono">
                {bind.isNull ? (
                  'NULL'
                ) : revealed === undefined ? (
                  <span class="muted">
                    hidden{bind.length === undefined ? '' : `, ${plural(bind.length, 'character')}`}
                  </span>
                ) : (
                  (shown.get(bind.position) ?? 'NULL')
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {listed.length < view.binds.length && (
        <button type="button" class="button plain" onClick={() => setAll(true)}>
          Show all {formatCount(view.binds.length)}
        </button>
      )}
      {!view.mayReveal && <p class="small muted">Your role sees their types and lengths only.</p>}
      {asking && <RevealDialog id={view.row.id} onClose={() => setAsking(false)} onRevealed={setRevealed} />}
    </section>
  );
}

function RevealDialog(props: {
  readonly id: string;
  readonly onClose: () => void;
  readonly onRevealed: (values: Revealed) => void;
}): JSX.Element {
  const [reason, setReason] = useState('');
  const [code, setCode] = useState('');
  const sending = useSending();
  const totp = session.value?.person?.totp === true;
  const reveal = async (): Promise<void> => {
    const body = { reason, ...(code === '' ? {} : { code }) };
    await sending.run(async () => {
      props.onRevealed(await send<Revealed>('POST', `/records/${segment(props.id)}/reveal`, body));
      props.onClose();
    });
  };
  return (
    <Dialog title="Reveal bind values" onClose={props.onClose}>
      <form
        class="stack tight"
        onSubmit={(event) => {
          event.preventDefault();
          void reveal();
        }}
      >
        <p>Your name, the time and the reason are written down and cannot be removed.</p>
        <Field text="Reason" value={reason} onText={setReason} required minLength={3} maxLength={1000} />
        {totp && <CodeField value={code} onText={setCode} />}
        {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
        <div class="line">
          <button type="submit" class="button main" disabled={sending.busy}>
            Reveal
          </button>
          <button type="button" class="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
