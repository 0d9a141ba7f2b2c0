/** Bind values: types and lengths for everybody, the values themselves after a reveal with a reason, which is recorded. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RecordView, Revealed } from '#src/console/api/records.js';
import { send } from '../../base/api.ts';
import { formatCount, plural } from '../../base/format.ts';
import { segment } from '../../base/url.ts';
import { ActionForm } from '../../ui/action-form.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/form.tsx';
import { Icon } from '../../ui/icon.tsx';
import { TableHead } from '../../ui/table-head.tsx';

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
        {revealed === undefined && view.mayReveal && view.binds.some((bind) => !bind.isNull) && (
          <button type="button" class="button plain" onClick={() => setAsking(true)}>
            <Icon name="eye" /> Reveal with a reason
          </button>
        )}
      </div>
      <table class="table">
        <TableHead columns={['Place', 'Type', 'Value']} />
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
  return (
    <Dialog title="Reveal bind values" onClose={props.onClose}>
      <ActionForm
        action="Reveal"
        send={async (code) =>
          props.onRevealed(await send<Revealed>('POST', `/records/${segment(props.id)}/reveal`, { reason, ...code }))
        }
        onDone={props.onClose}
        onCancel={props.onClose}
      >
        <p>Your name, the time and the reason are written down and cannot be removed.</p>
        <Field text="Reason" value={reason} onText={setReason} required minLength={3} maxLength={1000} />
      </ActionForm>
    </Dialog>
  );
}
