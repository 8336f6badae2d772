import type { CelLibrary } from '../contract.ts';
import { optionalLibrary } from '../standard/optional-library.ts';
import { twoVariableLibrary } from '../standard/two-variable-library.ts';
import { authorizerLibrary, authorizerSelectorLibrary } from './authorizer-library.ts';
import { cidrLibrary } from './cidr-library.ts';
import { extListLibrary } from './ext-list-library.ts';
import { formatLibrary } from './format-library.ts';
import { ipLibrary } from './ip-library.ts';
import { listLibrary } from './list-library.ts';
import { quantityLibrary } from './quantity-library.ts';
import { regexLibrary } from './regex-library.ts';
import { semverLibrary } from './semver-library.ts';
import { setsLibrary } from './sets-library.ts';
import { stringFormatLibrary, stringLibrary } from './string-library.ts';
import { urlLibrary } from './url-library.ts';

/** A library and the minor version of Kubernetes 1 that brought it. */
export interface VersionedLibrary {
  readonly since: number;
  readonly library: CelLibrary;
}

/**
 * All that a v1.35 server has in rules of custom resources, policies, match conditions, claims and audit, besides the
 * standard functions. Mutating policies have `jsonPatchLibrary` too.
 */
export const versionedLibraries: readonly VersionedLibrary[] = [
  { since: 0, library: urlLibrary },
  { since: 0, library: regexLibrary },
  { since: 0, library: listLibrary },
  { since: 0, library: stringLibrary },
  { since: 0, library: authorizerSelectorLibrary },
  { since: 27, library: authorizerLibrary },
  { since: 28, library: optionalLibrary },
  { since: 28, library: quantityLibrary },
  { since: 29, library: setsLibrary },
  { since: 29, library: stringFormatLibrary },
  { since: 30, library: ipLibrary },
  { since: 30, library: cidrLibrary },
  { since: 31, library: formatLibrary },
  { since: 32, library: twoVariableLibrary },
  { since: 33, library: semverLibrary },
  { since: 34, library: extListLibrary },
];

/** The libraries of an environment of that minor version; a v1.35 server takes new expressions by that of 34, which has all. */
export function kubernetesLibraries(minor = 35): readonly CelLibrary[] {
  return versionedLibraries.filter(({ since }) => since <= minor).map(({ library }) => library);
}
