import { StatusError } from '@keelson/core';
import type { Conflict } from './apply-owners.ts';
import { pathsOf } from './fields-v1.ts';
import { identityOf, type Manager } from './managers.ts';

function managerText({ name, operation, apiVersion, subresource }: Manager): string {
  const who = `${JSON.stringify(name)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === 'Update' ? `${who} using ${apiVersion}` : who;
}

/** 409 with a cause for every field and manager. */
export function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const described = conflicts
    .map(({ manager, fields }) => ({
      order: identityOf(manager),
      who: managerText(manager),
      paths: pathsOf(fields),
    }))
    .sort((a, b) => (a.order < b.order ? -1 : 1));
  const count = described.reduce((sum, each) => sum + each.paths.length, 0);
  const [only] = described;
  const text =
    count === 1 && only
      ? `conflict with ${only.who}: ${only.paths[0]}`
      : described
          .map(({ who, paths }) => `conflicts with ${who}:\n${paths.map((each) => `- ${each}`).join('\n')}`)
          .join('\n');
  return new StatusError({
    status: 'Failure',
    message: `Apply failed with ${count} conflict${count === 1 ? '' : 's'}: ${text}`,
    reason: 'Conflict',
    details: {
      causes: described.flatMap(({ who, paths }) =>
        paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
      ),
    },
    code: 409,
  });
}
