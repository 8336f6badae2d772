export {
  authorizerType,
  type CelAuthorizationAnswer,
  type CelAuthorizationRequest,
  type CelAuthorize,
  CelAuthorizer,
  type CelCheckedResource,
  CelDecision,
  resourceCheckType,
} from './authorizer.ts';
export { cidrType } from './cidr-library.ts';
export { EntryMap } from './entry-map.ts';
export { compare, isEqual } from './equality.ts';
export { CelFormat, formatType } from './format-library.ts';
export { type GoPattern, type GoRegexp, goRegexp, patternArguments, patternFor } from './go-regexp.ts';
export { type GoUrl, parseGoUrl } from './go-url.ts';
export { formatAddress, type IpAddress, IpProblem, parseAddress, parsePrefix } from './ip-address.ts';
export { ipType } from './ip-library.ts';
export { jsonPatchLibrary } from './json-patch-library.ts';
export { kubernetesLibraries, type VersionedLibrary, versionedLibraries } from './kubernetes-libraries.ts';
export { costExceeded } from './limits.ts';
export { PatternWorkError } from './pattern-work.ts';
export { CelQuantity, quantityType } from './quantity.ts';
export { semverType } from './semver.ts';
export { formatMistake, formatParts, formatTakes } from './string-format.ts';
export { urlType } from './url-library.ts';
