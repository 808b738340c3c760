import { expect, test } from 'vitest';
import { address, match } from '../src/router';
import { placeAfter } from '../src/pages/sign_in';

test('addresses that clients and the documentation print', () => {
  expect(match('/app/acme/net/runs/run-1')).toEqual({ page: 'run', organization: 'acme', workspace: 'net', run: 'run-1' });
  expect(match('/app/acme/workspaces/net/runs/run-1')).toEqual({ page: 'run', organization: 'acme', workspace: 'net', run: 'run-1' });
  expect(match('/app/settings/tokens')).toEqual({ page: 'account', section: 'tokens' });
  expect(match('/settings/organization_variables')).toEqual({ page: 'organization-variables' });
  expect(match('/app/acme/workspaces')).toEqual({ page: 'workspaces', organization: 'acme' });
  expect(match('/app/acme')).toEqual({ page: 'workspaces', organization: 'acme' });
  expect(match('/app/acme/settings')).toEqual({ page: 'organization-settings', organization: 'acme', section: 'general' });
  expect(match('/app/acme/net/variables')).toEqual({ page: 'workspace', organization: 'acme', workspace: 'net', section: 'variables' });
  for (const place of ['/', '/app', '/app/']) expect(match(place)).toEqual({ page: 'organizations' });
  for (const place of ['/apps', '/app/acme/net/nothing', '/app/acme/net/runs/run-1/x', '/%ff', '/settings/x']) expect(match(place), place).toEqual({ page: 'nowhere' });
});

test('addresses are made as they are read', () => {
  expect(match(address.run('a c', 'n/t', 'run-1'))).toEqual({ page: 'run', organization: 'a c', workspace: 'n/t', run: 'run-1' });
});

test('after signing in one stays on this page', () => {
  expect(placeAfter('?next=/app/acme')).toBe('/app/acme');
  for (const elsewhere of ['?next=//evil.example', '?next=https://evil.example', '?next=javascript:alert(1)', '?next=/api/v2/x', '?next=/appx', '']) expect(placeAfter(elsewhere), elsewhere).toBe('/app');
});
