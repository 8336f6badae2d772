import {
  type KubernetesObject,
  Lease,
  type ResourceType,
  validateConfigMapKey,
  validateQualifiedName,
} from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';

/** KEP-4355, beta. */
interface LeaseCandidateObject extends KubernetesObject {
  readonly spec?: {
    readonly leaseName?: string;
    readonly binaryVersion?: string;
    readonly emulationVersion?: string;
    readonly strategy?: string;
  };
}

const leaseCandidate: ResourceType<LeaseCandidateObject> = {
  group: 'coordination.k8s.io',
  version: 'v1beta1',
  kind: 'LeaseCandidate',
  plural: 'leasecandidates',
  namespaced: true,
};

const known = ['OldestEmulationVersion'];
const identifier = String.raw`(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`;
const number = String.raw`(?:0|[1-9]\d*)`;
/** As semver.org has it. */
const semantic = new RegExp(
  String.raw`^${number}\.${number}\.${number}(?:-${identifier}(?:\.${identifier})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$`,
);
const isSemantic = (text: string) => semantic.test(text);

function checkStrategy(strategy: string, at: string, errors: FieldErrors): void {
  if (known.includes(strategy)) return;
  if (!strategy.includes('/')) {
    errors.notSupported(at, strategy, known);
  } else errors.rule(at, strategy, validateQualifiedName(strategy));
}

/** Fields of the alpha gate CoordinatedLeaderElection, which is off by default. */
function dropCoordination({ spec }: Draft<Lease>): void {
  delete spec?.strategy;
  delete spec?.preferredHolder;
}

const lease = strategyFor(Lease, {
  createOnUpdate: true,
  unconditionalUpdate: false,
  prepareCreate: dropCoordination,
  prepareUpdate: dropCoordination,
  validate({ spec }, errors) {
    const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec ?? {};
    if (seconds !== undefined && seconds <= 0) {
      errors.invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0');
    }
    if (transitions !== undefined && transitions < 0) {
      errors.invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0');
    }
  },
});

function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((each) => each.split(/[-+]/)[0]?.split('.').map(Number) ?? []);
  for (let at = 0; at < 3; at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const candidate = strategyFor(leaseCandidate, {
  nameRule: validateConfigMapKey,
  createOnUpdate: true,
  unconditionalUpdate: false,
  validate({ spec }, errors) {
    const { leaseName = '', binaryVersion = '', emulationVersion = '', strategy = '' } = spec ?? {};
    if (leaseName === '') errors.required('spec.leaseName');
    const emulated = isSemantic(emulationVersion);
    const notSemantic = 'must be a valid semantic version';
    if (emulationVersion !== '' && !emulated) errors.invalid('spec.emulationVersion', emulationVersion, notSemantic);
    const binary = isSemantic(binaryVersion);
    if (binaryVersion === '') errors.required('spec.binaryVersion');
    else if (!binary) errors.invalid('spec.binaryVersion', binaryVersion, notSemantic);
    if (emulated && binaryVersion !== '' && (!binary || compareVersions(emulationVersion, binaryVersion) > 0)) {
      errors.invalid('spec.binaryVersion', binaryVersion, 'must be greater than or equal to `emulationVersion`');
    }
    if (strategy === '') errors.required('spec.strategy');
    else {
      checkStrategy(strategy, 'spec.strategy.strategy', errors);
      if (strategy === 'OldestEmulationVersion' && !emulated) {
        errors.required('spec.emulationVersion', "must be specified when `strategy` is 'OldestEmulationVersion'");
      }
    }
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    if (spec?.leaseName !== old?.leaseName)
      errors.invalid('spec.leaseName', spec?.leaseName ?? '', 'field is immutable');
  },
});

export const coordinationStrategies: readonly NamedStrategy[] = [lease, candidate];
