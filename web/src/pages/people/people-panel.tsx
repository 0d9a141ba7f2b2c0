/** Who may sign in, as what; the matrix of rights; new people and resets by a link that is good once. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Role } from '#src/console/api/common.js';
import type { InvitationLink, People, Person } from '#src/console/api/people.js';
import { useAnswer } from '../../base/answer.ts';
import { send } from '../../base/api.ts';
import { formatMoment } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { session } from '../../base/session.ts';
import { segment } from '../../base/url.ts';
import { ActionForm, type Code } from '../../ui/action-form.tsx';
import { DatabasesField, databasesOf, databasesText } from '../../ui/databases-field.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Choice, Field } from '../../ui/form.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Answered } from '../../ui/states.tsx';
import { TableHead } from '../../ui/table-head.tsx';

const ROLE_CHOICES: readonly { readonly value: Role; readonly text: string }[] = [
  { value: 'viewer', text: 'viewer' },
  { value: 'auditor', text: 'auditor' },
  { value: 'administrator', text: 'administrator' },
];

interface Step {
  readonly title: string;
  readonly request: (code: Code) => Promise<unknown>;
}

export function PeoplePanel(): JSX.Element {
  const answer = useAnswer<People>('/people');
  const [adding, setAdding] = useState(false);
  const [step, setStep] = useState<Step | undefined>(undefined);
  const [link, setLink] = useState<InvitationLink | undefined>(undefined);
  const reset = (person: Person): void =>
    setStep({
      title: `Reset ${person.name}: password and second factor become void`,
      request: async (code) =>
        setLink(await send<InvitationLink>('POST', `/people/${segment(person.name)}/reset`, code)),
    });
  const [limiting, setLimiting] = useState<Person | undefined>(undefined);
  const change = (person: Person, what: { readonly role?: Role; readonly disabled?: boolean }, title: string): void =>
    setStep({ title, request: (code) => send('PATCH', `/people/${segment(person.name)}`, { ...what, ...code }) });
  return (
    <Answered answer={answer}>
      {(data) => (
        <div class="stack">
          <section class="panel">
            <div class="split">
              <h2>People</h2>
              <button type="button" class="button main" onClick={() => setAdding(true)}>
                <Icon name="plus" /> Invite
              </button>
            </div>
            {link !== undefined && <LinkNote link={link} />}
            <PeopleTable people={data.people} onReset={reset} onChange={change} onLimit={setLimiting} />
          </section>
          <Rights rights={data.rights} />
          {adding && (
            <InviteDialog
              onClose={() => setAdding(false)}
              onLink={(made) => {
                setLink(made);
                answer.reload();
              }}
            />
          )}
          {limiting !== undefined && (
            <LimitDialog person={limiting} onClose={() => setLimiting(undefined)} onDone={answer.reload} />
          )}
          {step !== undefined && <StepDialog step={step} onClose={() => setStep(undefined)} onDone={answer.reload} />}
        </div>
      )}
    </Answered>
  );
}

function PeopleTable(props: {
  readonly people: readonly Person[];
  readonly onReset: (person: Person) => void;
  readonly onChange: (
    person: Person,
    what: { readonly role?: Role; readonly disabled?: boolean },
    title: string,
  ) => void;
  readonly onLimit: (person: Person) => void;
}): JSX.Element {
  return (
    <table class="table">
      <TableHead
        columns={[
          'Name',
          'Role',
          'Databases',
          'Second factor',
          'Last sign-in',
          { number: 'Signed in' },
          'State',
          { spoken: 'What can be done' },
        ]}
      />
      <tbody>
        {props.people.map((person) => (
          <tr key={person.name}>
            <td class="strong">{person.name}</td>
            <td>
              <select
                class="input slim"
                aria-label={`Role of ${person.name}`}
                value={person.role}
                disabled={person.name === session.value?.person?.name}
                onChange={(event) => {
                  const role = ROLE_CHOICES.find((one) => one.value === event.currentTarget.value)?.value;
                  event.currentTarget.value = person.role;
                  if (role !== undefined) props.onChange(person, { role }, `Make ${person.name} ${role}`);
                }}
              >
                {ROLE_CHOICES.map((choice) => (
                  <option key={choice.value} value={choice.value}>
                    {choice.text}
                  </option>
                ))}
              </select>
            </td>
            <td>
              {person.role === 'administrator' ? (
                'all'
              ) : (
                <button
                  type="button"
                  class="button plain"
                  aria-label={`Databases of ${person.name}: ${databasesText(person.databases) || 'all'}`}
                  onClick={() => props.onLimit(person)}
                >
                  {databasesText(person.databases) || 'all'}
                </button>
              )}
            </td>
            <td>{person.totp ? 'yes' : 'no'}</td>
            <td>
              {person.lastSignIn === undefined
                ? 'never'
                : formatMoment(Date.parse(person.lastSignIn), zone(), 'minute')}
            </td>
            <td class="num">{person.signIns}</td>
            <td>{stateOf(person)}</td>
            <td>
              <div class="line tight">
                <button type="button" class="button plain" onClick={() => props.onReset(person)}>
                  Reset
                </button>
                <button
                  type="button"
                  class="button plain"
                  disabled={person.name === session.value?.person?.name}
                  onClick={() =>
                    props.onChange(
                      person,
                      { disabled: !person.disabled },
                      `${person.disabled ? 'Let' : 'Shut out'} ${person.name}${person.disabled ? ' in again' : ''}`,
                    )
                  }
                >
                  {person.disabled ? 'Let in' : 'Shut out'}
                </button>
              </div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function stateOf(person: Person): string {
  if (person.disabled) return 'shut out';
  if (person.lockedUntil !== undefined)
    return `locked until ${formatMoment(Date.parse(person.lockedUntil), zone(), 'minute')}`;
  return person.invited ? 'invited' : 'active';
}

function LinkNote({ link }: { readonly link: InvitationLink }): JSX.Element {
  const address = new URL(link.link, location.origin).href;
  return (
    <div class="note" role="status">
      <p>
        Hand this link over; it works once, until {formatMoment(Date.parse(link.expiresAt), zone(), 'minute')}, and is
        not shown again.
      </p>
      <div class="line">
        <code class="clip">{address}</code>
        <button type="button" class="button" onClick={() => void navigator.clipboard.writeText(address)}>
          <Icon name="link" /> Copy
        </button>
      </div>
    </div>
  );
}

function Rights({ rights }: { readonly rights: People['rights'] }): JSX.Element {
  const rank = (role: Role): number => ROLE_CHOICES.findIndex((one) => one.value === role);
  return (
    <section class="panel">
      <h2>What each role may do</h2>
      <table class="table">
        <TableHead columns={['Action', ...ROLE_CHOICES.map((one) => one.text)]} />
        <tbody>
          {rights.map((right) => (
            <tr key={right.action}>
              <th scope="row">{right.action}</th>
              {ROLE_CHOICES.map((one) => (
                <td key={one.value}>{rank(one.value) >= rank(right.role) ? 'yes' : <span class="muted">–</span>}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function InviteDialog(props: {
  readonly onClose: () => void;
  readonly onLink: (link: InvitationLink) => void;
}): JSX.Element {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [databases, setDatabases] = useState('');
  const rights = role === 'administrator' ? { role } : { role, databases: databasesOf(databases) };
  return (
    <Dialog title="Invite a person" onClose={props.onClose}>
      <ActionForm
        action="Make the link"
        send={async (code) => props.onLink(await send<InvitationLink>('POST', '/people', { name, ...rights, ...code }))}
        onDone={props.onClose}
      >
        <Field text="Name" value={name} onText={setName} required maxLength={64} pattern="[A-Za-z0-9._@\-]+" />
        <Choice text="Role" value={role} options={ROLE_CHOICES} onChoose={setRole} />
        {role !== 'administrator' && <DatabasesField value={databases} onText={setDatabases} />}
      </ActionForm>
    </Dialog>
  );
}

/** Whose records a person may see. */
function LimitDialog(props: {
  readonly person: Person;
  readonly onClose: () => void;
  readonly onDone: () => void;
}): JSX.Element {
  const { name } = props.person;
  const [text, setText] = useState(databasesText(props.person.databases));
  const done = (): void => {
    props.onDone();
    props.onClose();
  };
  return (
    <Dialog title={`What ${name} may see`} onClose={props.onClose}>
      <ActionForm
        action="Do it"
        send={(code) => send('PATCH', `/people/${segment(name)}`, { databases: databasesOf(text), ...code })}
        onDone={done}
        onCancel={props.onClose}
      >
        <DatabasesField value={text} onText={setText} />
        <p>
          Records of other databases, and those that name none, are then not shown, counted or offered to {name}. It
          holds at once, and is written to the trail under your name.
        </p>
      </ActionForm>
    </Dialog>
  );
}

/** Asks once more before rights change, with a code where the administrator has a second factor. */
function StepDialog(props: {
  readonly step: Step;
  readonly onClose: () => void;
  readonly onDone: () => void;
}): JSX.Element {
  const done = (): void => {
    props.onDone();
    props.onClose();
  };
  return (
    <Dialog title={props.step.title} onClose={props.onClose}>
      <ActionForm action="Do it" send={props.step.request} onDone={done} onCancel={props.onClose}>
        <p>This is written to the trail under your name.</p>
      </ActionForm>
    </Dialog>
  );
}
