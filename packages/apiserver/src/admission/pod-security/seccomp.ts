import { containersOf, containersText, type Judge, plural, quoted, settersText, sortedSet } from './subject.ts';

const podAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const containerAnnotation = 'container.seccomp.security.alpha.kubernetes.io/';
const reason = 'seccompProfile';

const isAllowedAnnotation = (value: string) =>
  value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');

/** Before v1.19 profiles were annotations: of the pod, and of each container that it has. */
export const judgeSeccompAnnotations: Judge = (subject) => {
  const keys = [podAnnotation, ...containersOf(subject).map(({ name }) => containerAnnotation + name)];
  const forbidden = keys.flatMap((key) => {
    const value = subject.annotations[key];
    return value === undefined || isAllowedAnnotation(value) ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  if (forbidden.length === 0) return undefined;
  const list = sortedSet(forbidden);
  return { reason, detail: `forbidden ${plural(list.length, 'annotation')} ${list.join(', ')}` };
};

const isAllowed = (type: string) => type === 'RuntimeDefault' || type === 'Localhost';

/** No profile is one that allows everything. */
export const judgeSeccompFields: Judge = (subject) => {
  const types = new Set<string>();
  const isBad = (profile: { readonly type: string } | undefined): boolean => {
    if (!profile || isAllowed(profile.type)) return false;
    types.add(profile.type);
    return true;
  };
  const pod = isBad(subject.spec.securityContext?.seccompProfile);
  const names: string[] = [];
  for (const { name, securityContext } of containersOf(subject)) {
    if (isBad(securityContext?.seccompProfile)) names.push(name);
  }
  const who = settersText(pod, names);
  const bad = quoted(sortedSet(types));
  return who === undefined
    ? undefined
    : { reason, detail: `${who} must not set securityContext.seccompProfile.type to ${bad}` };
};

/** As `judgeSeccompFields`; and every container has a profile, of its own or of the pod. */
export const judgeRestrictedSeccomp: Judge = (subject) => {
  const bad = judgeSeccompFields(subject);
  if (bad) return bad;
  if (subject.spec.securityContext?.seccompProfile) return undefined;
  const names = containersOf(subject)
    .filter(({ securityContext }) => !securityContext?.seccompProfile)
    .map(({ name }) => name);
  if (names.length === 0) return undefined;
  const wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
  return { reason, detail: `pod or ${containersText(names)} ${wanted}` };
};
