import { type ApiRequest, type Clock, type JsonObject, type KubernetesObject, timestamp } from '@keelson/core';
import type { ObjectForm } from '@keelson/core/admission';
import { isMarkedHollow, withHollows, withNumberTexts } from '../schema/index.ts';
import type { KindCatalog } from './catalog.ts';
import type { Kind } from './kind.ts';

/** The versions in which admission may look at objects, made once for each kind until what is served changes. */
export class ObjectForms {
  readonly #catalog: KindCatalog;
  readonly #clock: Clock;
  #known = new WeakMap<Kind, Map<string, readonly ObjectForm[]>>();

  constructor(catalog: KindCatalog, clock: Clock) {
    this.#catalog = catalog;
    this.#clock = clock;
    catalog.changes$.subscribe(() => {
      this.#known = new WeakMap();
    });
  }

  /** That of the request first, then the equivalent ones in the order of discovery. */
  of({ kind, request }: { readonly kind: Kind; readonly request: ApiRequest }): readonly ObjectForm[] {
    const { subresource = '', group, version, resource } = request;
    let bySubresource = this.#known.get(kind);
    if (!bySubresource) {
      bySubresource = new Map();
      this.#known.set(kind, bySubresource);
    }
    let forms = bySubresource.get(subresource);
    if (!forms) {
      const base = this.#catalog.kind(group, version, resource);
      const others = base ? this.#catalog.sharing(base).filter((each) => each !== base) : [];
      const served = others.filter((each) => subresource === '' || hasSubresource(each, subresource));
      // A subresource's own kind is the same, whatever version of the resource it is asked of.
      forms = [
        this.#form(kind, request),
        ...served.map((each) => this.#other(kind, base === kind ? each : kind, each.served)),
      ];
      bySubresource.set(subresource, forms);
    }
    return forms;
  }

  /** A custom resource in another version may have to be converted by a webhook. */
  #other(asked: Kind, kind: Kind, resource: ObjectForm['resource']): ObjectForm {
    const form = this.#form(kind, resource);
    const { stored } = asked;
    if (!stored || !kind.stored || asked === kind) return form;
    const back = kind.stored;
    return {
      ...form,
      show: (object) => stored.convert(object, kind),
      read: async (shown, options) => back.convert(await form.read(shown, options), asked),
    };
  }

  #form(kind: Kind, { group, version, resource }: ObjectForm['resource']): ObjectForm {
    const { served, apiVersion } = kind;
    return {
      resource: { group, version, resource },
      kind: { group: served.group, version: served.version, kind: served.kind },
      show: (object) => asGiven(kind.view(object)),
      read: (shown, { strict = false } = {}) => {
        checkType(shown, apiVersion, served.kind);
        // A null that admission puts into a custom resource is left to validation.
        const { object, unknown } = served.custom
          ? kind.decode(shown, { keepNulls: true })
          : kind.decode(withNumberTexts(shown));
        if (strict && !served.custom && unknown.length > 0)
          throw new Error(`strict decoding error: ${unknown.join(', ')}`);
        kind.strategy.defaults?.(object, () => timestamp(this.#clock));
        return object;
      },
    };
  }
}

const hasSubresource = ({ served }: Kind, name: string) => served.subresources.some((each) => each.name === name);

/** Go tells an empty list from none where it writes either. */
function asGiven(object: KubernetesObject): KubernetesObject {
  return isMarkedHollow(object) ? (withHollows(object, 'shown') as KubernetesObject) : object;
}

/** What says that it is something else cannot be read as this; what does not say what it is can. */
function checkType({ apiVersion, kind }: JsonObject, expected: string, expectedKind: string): void {
  const saysVersion = apiVersion ?? expected;
  const saysKind = kind ?? expectedKind;
  if (saysVersion === expected && saysKind === expectedKind) return;
  throw new Error(
    `no kind ${JSON.stringify(saysKind)} is registered for version ${JSON.stringify(saysVersion)} in scheme "pkg/runtime/scheme.go:111"`,
  );
}
