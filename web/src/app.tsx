/** Which page is shown: by who is signed in, then by path. Pages but the first are loaded when they are first opened. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { loadSession, session, sessionProblem } from './base/session.ts';
import { matchPath, place } from './base/url.ts';
import { Frame } from './frame/frame.tsx';
import { lazy, type PageProps } from './frame/lazy.tsx';
import { ProblemNote, Skeleton } from './ui/states.tsx';

interface Route {
  readonly path: string;
  readonly title: string;
  readonly page: (props: PageProps) => JSX.Element;
}

const ROUTES: readonly Route[] = [
  { path: '/', title: 'Overview', page: lazy(() => import('./pages/overview.tsx')) },
  { path: '/live', title: 'Live', page: lazy(() => import('./pages/live.tsx')) },
  { path: '/search', title: 'Search', page: lazy(() => import('./pages/search.tsx')) },
  { path: '/statements/:id', title: 'Statement', page: lazy(() => import('./pages/statement.tsx')) },
  { path: '/sessions', title: 'Sessions', page: lazy(() => import('./pages/sessions.tsx')) },
  { path: '/sessions/:id', title: 'Session', page: lazy(() => import('./pages/session.tsx')) },
  { path: '/entities', title: 'Users and objects', page: lazy(() => import('./pages/entities.tsx')) },
  { path: '/users/:name', title: 'User', page: lazy(() => import('./pages/entity.tsx')) },
  { path: '/objects/:name', title: 'Object', page: lazy(() => import('./pages/entity.tsx')) },
  { path: '/databases/:name', title: 'Database', page: lazy(() => import('./pages/entity.tsx')) },
  { path: '/alerts', title: 'Alerts', page: lazy(() => import('./pages/alerts.tsx')) },
  { path: '/policies', title: 'Policies', page: lazy(() => import('./pages/policies.tsx')) },
  { path: '/sensors', title: 'Sensors and coverage', page: lazy(() => import('./pages/sensors.tsx')) },
  { path: '/reports', title: 'Reports', page: lazy(() => import('./pages/reports.tsx')) },
  { path: '/people', title: 'People and rights', page: lazy(() => import('./pages/people.tsx')) },
  { path: '/account', title: 'Account', page: lazy(() => import('./pages/account.tsx')) },
];

const SignIn = lazy(() => import('./pages/sign-in.tsx'));
const Setup = lazy(() => import('./pages/setup.tsx'));

export function App(): JSX.Element {
  const known = session.value;
  const path = place.value.path;
  if (known === undefined) {
    const problem = sessionProblem.value;
    return (
      <main class="bare">
        {problem === undefined ? (
          <Skeleton lines={3} />
        ) : (
          <ProblemNote problem={problem} retry={() => void loadSession()} />
        )}
      </main>
    );
  }
  if (known.person === undefined) {
    const invited = path === '/setup' || path === '/invitation';
    return known.setupNeeded || invited ? <Setup params={{}} /> : <SignIn params={{}} />;
  }
  return <Routed path={path} />;
}

function Routed({ path }: { readonly path: string }): JSX.Element {
  const found = findRoute(path);
  const title = found?.route.title ?? 'Not found';
  useEffect(() => {
    document.title = `${title} · Wiretrail`;
  }, [title]);
  return (
    <Frame title={title}>
      {found === undefined ? <NotFound /> : <found.route.page key={found.route.path} params={found.params} />}
    </Frame>
  );
}

function findRoute(
  path: string,
): { readonly route: Route; readonly params: Readonly<Record<string, string>> } | undefined {
  for (const route of ROUTES) {
    const params = matchPath(route.path, path);
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function NotFound(): JSX.Element {
  return (
    <div class="empty">
      <h1>There is no such page</h1>
      <p>
        <a href="/">Back to the overview</a>
      </p>
    </div>
  );
}
