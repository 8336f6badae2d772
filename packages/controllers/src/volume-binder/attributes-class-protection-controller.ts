import {
  type Client,
  type Controller,
  type Informer,
  type Informers,
  isStatusError,
  type ObjectKey,
  PersistentVolume,
  PersistentVolumeClaim,
  type ReconcileContext,
  VolumeAttributesClass,
  watch,
} from '@keelson/core';

const finalizer = 'kubernetes.io/vac-protection';

/** Keeps a VolumeAttributesClass that claims or volumes name from going (KEP-3751): `kubernetes.io/vac-protection`. */
export class AttributesClassProtectionController implements Controller {
  readonly name = 'volume-attributes-class-protection';
  readonly watches;
  readonly #client: Client;
  readonly #classes: Informer<VolumeAttributesClass>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;

  constructor(client: Client, informers: Informers) {
    this.#client = client;
    this.#classes = informers.for(VolumeAttributesClass);
    this.#claims = informers.for(PersistentVolumeClaim);
    this.#volumes = informers.for(PersistentVolume);
    this.watches = [
      watch(this.#classes).self(),
      watch(this.#claims).map(classesOfClaim),
      watch(this.#volumes).map(({ spec }) => named([spec?.volumeAttributesClassName])),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    const found = this.#classes.lister.get(key);
    if (found === undefined) return;
    const { finalizers = [], deletionTimestamp } = found.metadata;
    const leaving = deletionTimestamp !== undefined;
    const guarded = finalizers.includes(finalizer);
    if (leaving === !guarded || (leaving && this.#isUsed(key))) return;
    const next = leaving ? finalizers.filter((each) => each !== finalizer) : [...finalizers, finalizer];
    try {
      await this.#client.update(
        VolumeAttributesClass,
        { ...found, metadata: { ...found.metadata, finalizers: next } },
        { signal },
      );
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  #isUsed(name: string): boolean {
    return (
      this.#claims.lister.list().some((claim) => classesOfClaim(claim).includes(name)) ||
      this.#volumes.lister.list().some(({ spec }) => spec?.volumeAttributesClassName === name)
    );
  }
}

function classesOfClaim({ spec, status }: PersistentVolumeClaim): readonly string[] {
  return named([
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]);
}

const named = (names: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(names.filter((each) => each !== undefined && each !== '').map(String)),
];
