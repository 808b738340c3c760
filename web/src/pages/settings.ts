// The pages that are not a run's, in one piece of their own.
export { Account } from './account';
export { OrganizationSettings } from './organization_settings';
export { States } from './states';
export { OrganizationVariables, WorkspaceVariables } from './variables';
export { WorkspaceSettings } from './workspace_settings';
