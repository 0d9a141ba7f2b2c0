/** Tokens for scripts: made, shown once, revoked. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiTokens, TokenSecret } from '#src/console/api/people.js';
import { useAnswer } from '../../base/answer.ts';
import { send } from '../../base/api.ts';
import { formatMoment } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { session } from '../../base/session.ts';
import { databasesOf } from '../../ui/databases-field.tsx';
import { Choice, CodeField, Field, useSending } from '../../ui/form.tsx';
import { Answered, ProblemNote } from '../../ui/states.tsx';

const ROLES = [
  { value: 'viewer', text: 'viewer' },
  { value: 'auditor', text: 'auditor' },
] as const;

export function TokensPanel(): JSX.Element {
  const answer = useAnswer<ApiTokens>('/tokens');
  const sending = useSending();
  const [made, setMade] = useState<TokenSecret | undefined>(undefined);
  return (
    <section class="panel stack">
      <h2>Tokens for scripts</h2>
      <NewToken
        onMade={(token) => {
          setMade(token);
          answer.reload();
        }}
      />
      {made !== undefined && (
        <div class="note" role="status">
          <p>Shown once. Scripts send it as “Authorization: Bearer …”.</p>
          <code>{made.token}</code>
        </div>
      )}
      {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
      <Answered answer={answer} lines={3}>
        {(data) => (
          <ul class="plain-list">
            {data.tokens.length === 0 && <li class="muted">There are none.</li>}
            {data.tokens.map((token) => (
              <li key={token.id} class="split">
                <span>
                  <b>{token.name}</b> <span class="tag">{token.role}</span>
                  {token.databases !== 'all' && <span class="tag">{token.databases.join(', ')} only</span>}
                  <span class="small muted">
                    {' '}
                    made {formatMoment(Date.parse(token.createdAt), zone(), 'minute')} by {token.createdBy},{' '}
                    {token.lastUsed === undefined
                      ? 'never used'
                      : `last used ${formatMoment(Date.parse(token.lastUsed), zone(), 'minute')}`}
                    {token.expiresAt !== undefined &&
                      `, until ${formatMoment(Date.parse(token.expiresAt), zone(), 'minute')}`}
                  </span>
                </span>
                {token.revoked ? (
                  <span class="muted">revoked</span>
                ) : (
                  <button
                    type="button"
                    class="button plain"
                    onClick={() => void sending.run(() => send('DELETE', `/tokens/${token.id}`)).then(answer.reload)}
                  >
                    Revoke
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Answered>
    </section>
  );
}

function NewToken({ onMade }: { readonly onMade: (token: TokenSecret) => void }): JSX.Element {
  const [name, setName] = useState('');
  const [role, setRole] = useState<'viewer' | 'auditor'>('viewer');
  const [days, setDays] = useState('90');
  const [code, setCode] = useState('');
  const [databases, setDatabases] = useState('');
  const sending = useSending();
  return (
    <form
      class="form-line"
      onSubmit={(event) => {
        event.preventDefault();
        void sending.run(async () => {
          const body = {
            ...{ name, role, databases: databasesOf(databases) },
            ...(days === '' ? {} : { days: Number(days) }),
            ...(code === '' ? {} : { code }),
          };
          onMade(await send<TokenSecret>('POST', '/tokens', body));
          setName('');
        });
      }}
    >
      <Field text="What it is for" value={name} onText={setName} required maxLength={100} />
      <Choice text="Role" value={role} options={ROLES} onChoose={setRole} />
      <Field text="Only databases" value={databases} onText={setDatabases} placeholder="all" />
      <Field text="Days it is good" value={days} onText={setDays} inputMode="numeric" pattern="[1-9][0-9]{0,3}" />
      {session.value?.person?.totp === true && <CodeField value={code} onText={setCode} />}
      <button type="submit" class="button main" disabled={sending.busy}>
        Make a token
      </button>
      {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
    </form>
  );
}
