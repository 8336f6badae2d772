import type { KubernetesObject, NodeSelector, ResourceType } from '@keelson/core';

export interface Selector {
  readonly cel?: { readonly expression?: string };
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

export interface ExactRequest {
  readonly deviceClassName?: string;
  readonly selectors?: readonly Selector[];
  readonly allocationMode?: string;
  readonly count?: number;
  readonly adminAccess?: boolean;
  readonly tolerations?: readonly Toleration[];
  readonly capacity?: object;
}

export interface SubRequest extends ExactRequest {
  readonly name?: string;
}

export interface DeviceRequest {
  readonly name?: string;
  readonly exactly?: ExactRequest;
  readonly firstAvailable?: readonly SubRequest[];
}

export interface DeviceConfig {
  readonly requests?: readonly string[];
  readonly opaque?: { readonly driver?: string; readonly parameters?: unknown };
}

export interface ClaimSpec {
  readonly devices?: {
    readonly requests?: readonly DeviceRequest[];
    readonly constraints?: readonly {
      readonly requests?: readonly string[];
      readonly matchAttribute?: string;
      readonly distinctAttribute?: string;
    }[];
    readonly config?: readonly DeviceConfig[];
  };
}

export interface DeviceId {
  readonly driver?: string;
  readonly pool?: string;
  readonly device?: string;
}

export interface AllocationResult extends DeviceId {
  readonly request?: string;
  readonly adminAccess?: boolean;
  readonly tolerations?: readonly Toleration[];
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
  readonly shareID?: string;
  readonly consumedCapacity?: Readonly<Record<string, string>>;
}

export interface ClaimStatus {
  readonly allocation?: {
    readonly devices?: {
      readonly results?: readonly AllocationResult[];
      readonly config?: readonly (DeviceConfig & { readonly source?: string })[];
    };
    readonly nodeSelector?: NodeSelector;
  };
  readonly reservedFor?: readonly {
    readonly resource?: string;
    readonly name?: string;
    readonly uid?: string;
    readonly apiGroup?: string;
  }[];
  readonly devices?: readonly (DeviceId & {
    readonly shareID?: string;
    readonly conditions?: readonly object[];
    readonly data?: unknown;
    readonly networkData?: {
      readonly interfaceName?: string;
      readonly ips?: readonly string[];
      readonly hardwareAddress?: string;
    };
  })[];
}

export interface ResourceClaim extends KubernetesObject {
  readonly spec?: ClaimSpec;
  readonly status?: ClaimStatus;
}

export interface ResourceClaimTemplate extends KubernetesObject {
  readonly spec?: {
    readonly metadata?: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly spec?: ClaimSpec;
  };
}

export interface DeviceClass extends KubernetesObject {
  readonly spec?: {
    readonly selectors?: readonly Selector[];
    readonly config?: readonly DeviceConfig[];
    readonly extendedResourceName?: string;
  };
}

export interface Device {
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly capacity?: Readonly<Record<string, { readonly value?: string; readonly requestPolicy?: object }>>;
  readonly taints?: readonly unknown[];
}

export interface ResourceSlice extends KubernetesObject {
  readonly spec?: {
    readonly driver?: string;
    readonly pool?: { readonly name?: string; readonly generation?: number; readonly resourceSliceCount?: number };
    readonly nodeName?: string;
    readonly nodeSelector?: NodeSelector;
    readonly allNodes?: boolean;
    readonly perDeviceNodeSelection?: boolean;
    readonly devices?: readonly Device[];
  };
}

export interface DeviceTaintRule extends KubernetesObject {
  readonly spec?: {
    readonly deviceSelector?: DeviceId;
    readonly taint?: {
      readonly key?: string;
      readonly value?: string;
      readonly effect?: string;
      readonly timeAdded?: string;
    };
  };
  readonly status?: { readonly conditions?: readonly object[] };
}

const kind = (name: string, plural: string, namespaced: boolean, version = 'v1') => ({
  group: 'resource.k8s.io',
  version,
  kind: name,
  plural,
  namespaced,
});

export const resourceClaim: ResourceType<ResourceClaim> = kind('ResourceClaim', 'resourceclaims', true);
export const resourceClaimTemplate: ResourceType<ResourceClaimTemplate> = kind(
  'ResourceClaimTemplate',
  'resourceclaimtemplates',
  true,
);
export const deviceClass: ResourceType<DeviceClass> = kind('DeviceClass', 'deviceclasses', false);
export const resourceSlice: ResourceType<ResourceSlice> = kind('ResourceSlice', 'resourceslices', false);
export const deviceTaintRule: ResourceType<DeviceTaintRule> = kind(
  'DeviceTaintRule',
  'devicetaintrules',
  false,
  'v1alpha3',
);
