import { accessReviews, selfReviews } from './access-reviews.ts';
import { customTypes } from './custom-types.ts';
import { deletes } from './deletes.ts';
import { directives, pointers } from './directives.ts';
import { full } from './full.ts';
import { judgedObjects } from './judged-objects.ts';
import { limitRanges } from './limit-ranges.ts';
import { identities, lists } from './lists.ts';
import { owners, updaters } from './owners.ts';
import { applies, patches } from './patches.ts';
import { podSecurity } from './pod-security.ts';
import { quotas } from './quotas.ts';
import { metadata, random, updates, violations } from './random.ts';
import { escalation } from './rbac.ts';
import { pages, selectors, versionMatrix } from './reads.ts';
import { ruledTypes } from './ruled-types.ts';
import { discovery } from './server.ts';
import { classes, conversion, evictions, forbidden, limits, times } from './several-kinds.ts';
import { subresources } from './subresources.ts';
import { takeover } from './takeover.ts';
import { answers, binary } from './transport.ts';
import { versionsOfCustomTypes } from './versions-of-custom-types.ts';
import { bodies, paths } from './wire.ts';
import { forms, minimal, type Scenario, watch } from './write-read.ts';

/** Every scenario by name, with its share of the cases. */
export const scenarios: Readonly<Record<string, { readonly share: number; readonly make: Scenario }>> = {
  minimal: { share: 1, make: minimal },
  full: { share: 1, make: full },
  forms: { share: 1, make: forms },
  watch: { share: 1, make: watch },
  random: { share: 3, make: random },
  violations: { share: 4, make: violations },
  updates: { share: 2, make: updates },
  metadata: { share: 1, make: metadata },
  patches: { share: 2, make: patches },
  applies: { share: 2, make: applies },
  directives: { share: 1, make: directives },
  pointers: { share: 1, make: pointers },
  takeover: { share: 1, make: takeover },
  owners: { share: 1, make: owners },
  updaters: { share: 1, make: updaters },
  lists: { share: 2, make: lists },
  identities: { share: 1, make: identities },
  selectors: { share: 1, make: selectors },
  pages: { share: 1, make: pages },
  versions: { share: 1, make: versionMatrix },
  deletes: { share: 1, make: deletes },
  subresources: { share: 2, make: subresources },
  bodies: { share: 1, make: bodies },
  discovery: { share: 1, make: discovery },
  conversion: { share: 2, make: conversion },
  times: { share: 1, make: times },
  forbidden: { share: 1, make: forbidden },
  // Only a few kinds have these: among those, they are frequent.
  evictions: { share: 6, make: evictions },
  limits: { share: 6, make: limits },
  classes: { share: 4, make: classes },
  podSecurity: { share: 8, make: podSecurity },
  quotas: { share: 30, make: quotas },
  limitRanges: { share: 30, make: limitRanges },
  customTypes: { share: 6, make: customTypes },
  ruledTypes: { share: 6, make: ruledTypes },
  versionsOfCustomTypes: { share: 6, make: versionsOfCustomTypes },
  judgedObjects: { share: 6, make: judgedObjects },
  accessReviews: { share: 6, make: accessReviews },
  selfReviews: { share: 6, make: selfReviews },
  escalation: { share: 6, make: escalation },
  paths: { share: 1, make: paths },
  binary: { share: 1, make: binary },
  answers: { share: 1, make: answers },
};
export { fullObjectsFile } from './full.ts';
export { serverCases } from './server.ts';
export { caseOf, type Scenario } from './write-read.ts';
