import { type Judge, namesWhere, plural, quoted, settersText, sortedSet } from './subject.ts';

const prefix = 'container.apparmor.security.beta.kubernetes.io/';

const isAllowed = (value: string) => value === '' || value === 'runtime/default' || value.startsWith('localhost/');

const isForbidden = (profile: { readonly type: string } | undefined): profile is { readonly type: string } =>
  profile !== undefined && profile.type !== 'RuntimeDefault' && profile.type !== 'Localhost';

/** AppArmor profiles by field and by annotation, all told at once. */
export const judgeAppArmor: Judge = (subject) => {
  const types = new Set<string>();
  const ofPod = subject.spec.securityContext?.appArmorProfile;
  if (isForbidden(ofPod)) types.add(ofPod.type);
  const names = namesWhere(subject, ({ securityContext }) => {
    const profile = securityContext?.appArmorProfile;
    if (!isForbidden(profile)) return false;
    types.add(profile.type);
    return true;
  });
  const annotations = Object.entries(subject.annotations)
    .filter(([key, value]) => key.startsWith(prefix) && !isAllowed(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const fields = settersText(isForbidden(ofPod), names);
  const noted = annotations.length > 0 ? plural(annotations.length, 'annotation') : undefined;
  const setters = [fields, noted].filter((each) => each !== undefined).join(' and ');
  if (setters === '') return undefined;
  const values = [...sortedSet(types), ...annotations];
  return {
    reason: plural(values.length, 'forbidden AppArmor profile'),
    detail: `${setters} must not set AppArmor profile type to ${quoted(values)}`,
  };
};
