import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { session, whoAmI } from './api/client';
import { listen } from './api/live';
import { Organizations } from './pages/organizations';
import { RunPage } from './pages/run';
import { placeAfter, SignIn } from './pages/sign_in';
import { WorkspaceRuns } from './pages/workspace';
import { Workspaces } from './pages/workspaces';
import { followLinks, go, match, pathname, type Route } from './router';
import './style.css';
import { later } from './ui/later';
import { Layout } from './ui/layout';
import { restoreNotifying } from './ui/notify';
import { restoreTheme } from './ui/theme';

const settings = () => import('./pages/settings');
const WorkspaceVariables = later(() => settings().then((pages) => pages.WorkspaceVariables));
const States = later(() => settings().then((pages) => pages.States));
const WorkspaceSettings = later(() => settings().then((pages) => pages.WorkspaceSettings));
const OrganizationSettings = later(() => settings().then((pages) => pages.OrganizationSettings));
const OrganizationVariables = later(() => settings().then((pages) => pages.OrganizationVariables));
const Account = later(() => settings().then((pages) => pages.Account));

function InWorkspace({ route }: { route: Extract<Route, { page: 'workspace' }> }) {
  const Section = route.section === 'variables' ? WorkspaceVariables : route.section === 'states' ? States : WorkspaceSettings;
  return <Section organization={route.organization} name={route.workspace} />;
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'organizations':
      return <Organizations />;
    case 'workspaces':
      return <Workspaces key={route.organization} organization={route.organization} />;
    case 'workspace':
      if (route.section === 'runs') return <WorkspaceRuns key={`${route.organization}/${route.workspace}`} organization={route.organization} name={route.workspace} />;
      return <InWorkspace key={`${route.organization}/${route.workspace}/${route.section}`} route={route} />;
    case 'run':
      return <RunPage key={route.run} organization={route.organization} workspace={route.workspace} id={route.run} />;
    case 'organization-settings':
      return <OrganizationSettings key={route.organization} name={route.organization} section={route.section} />;
    case 'account':
      return <Account section={route.section} />;
    case 'organization-variables':
      return <OrganizationVariables />;
    default:
  }
  return (
    <div class="empty">
      <h1>There is no such page</h1>
      <p>
        <a href="/app">To the organizations</a>
      </p>
    </div>
  );
}

function App() {
  const route = match(pathname.value);
  const who = session.value;
  useEffect(() => {
    whoAmI().catch(() => setTimeout(() => void whoAmI().catch(() => undefined), 3000));
  }, []);
  useEffect(() => (who ? listen() : undefined), [who?.username]);
  useEffect(() => {
    if (who && route.page === 'sign-in') go(placeAfter(location.search), true);
  }, [who, route.page]);
  if (who === undefined) {
    return (
      <main id="main" class="bones" role="status">
        <span class="unseen">Loading</span>
        <div />
      </main>
    );
  }
  if (who === null || route.page === 'sign-in') return <SignIn inPlace={route.page !== 'sign-in'} />;
  return (
    <Layout organization={'organization' in route ? route.organization : null} workspace={'workspace' in route ? route.workspace : null}>
      <Page route={route} />
    </Layout>
  );
}

restoreTheme();
restoreNotifying();
followLinks();
const place = document.getElementById('page');
if (place) render(<App />, place);
