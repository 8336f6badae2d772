/** What kube-apiserver v1.35.4 stored, with the key `key1`, base64 of `0123456789abcdef0123456789abcdef`: place, provider, value in base64. */
export const storedByKubernetes: readonly (readonly [
  place: string,
  provider: 'aesgcm' | 'aescbc' | 'secretbox',
  value: string,
])[] = [
  [
    '/registry/secrets/default/a',
    'aesgcm',
    'azhzOmVuYzphZXNnY206djE6a2V5MTpEVgDsDq96agswS9gl2t1u6ydqEM/fL609BBliGs+4NRHxkpUcB6qrOBRMAH02n6RObuvFODfdVfXsxcW0nmCXi9mDW4Muc+kW/vik5V8LabR6JSTae44omTnwBtq9gvVacKtUd3lIe7P4WY+KMAY29T8egLXiZpgyV3yOJ3isTKQvhsQv1F0EQSUq9nbPxuY9dFh0YS4RvW2EOiXmeMcbSgbxbVykA5AQp+tIC5CqJnPYycb7bhsXC8c7GTXYs+bRmSiTr0y5hFykzq7Op9n4SH1Q6p1Zc/D5m/nUF4XMhvtBaxNweorriteMN3CUKS0718KPnihp7Fp/4p9/wUMW857MoreeL5lG8H1PrzZvtf5LwP7P2Tjd1C4yU3UisCisHFQR4xwqaCvglzxUkOBKhpfSaa5YrJZVMVU67yh6ZieNlKYlOB50jNKaU0GEFD8bKr8/ezTngohD3tcZjybbjyWMbHg2btei4fIYstZH+1vmknTujFK1LDj31EENOnYw1Vsbnu2mkSlFZyM2UkVCD/pPMPmoPuilf6bzePKM48SG09RFnx3KbbAhhaSU7CvLfnPVmZ1tMr5IU27WwQ==',
  ],
  [
    '/registry/configmaps/default/b',
    'secretbox',
    'azhzOmVuYzpzZWNyZXRib3g6djE6a2V5MTpqyw26Cerbrrb++F3S04XRQiPCYErR1v60MJ9RoXvBc7WD6cGf/NmBw1ier3CUsTJK6M/ouvEcaBqtYVMil0Y4zslxO8gmhyJq9Wm5SC47foW0I/gYB8VXyHkzChyHhUN7a4ro+UWtDytBd9HFWFAdEZCat5IYxt47ulNsaoHL0M8+0RaDTgEh+bh7JccHdVCFX+wINjYcgLPY6MrBaUdDHLx3HSQkC0r3s+5KXjLCNkYlrpAxcZibQby+3tBsxiK9lGJBBZWnIzAh99UYObbN3U3s19Cot6kwWpIZZxzKiQT/nwTRSzputmnCFYTZwSuqjDsAan45pjc7yeHwj2pPky5vcZyEE599rupaUXhyLt1f4b/zoQ332xLhvYm3OQx5utgaaE1lqAoft1Cq3P2CN0tt8quh9mVwQ0zhankkHiDsvB4lFM10EJFIpBzohRLW4iCHuKYV1mRdb2UKBNmfIeXgdh6vlx+CefKkcLW1xuNLT/C/F0fWoWud3Su205SZlpIh5wiBwn7Whb3JNpfOH9itxXKw9ccON0992+9Qa+LmUtGNHjwBcQs=',
  ],
  [
    '/registry/serviceaccounts/default/c',
    'aescbc',
    'azhzOmVuYzphZXNjYmM6djE6a2V5MTovlqw7yi/kqKBCQ3AqO7CKef1XXK84EH7wq+tWapnfegkf8WYlHVk9qbSW/dGqrekp9MrWP9C7sLBC2uUiNb36UMyta7OxWDEXAorILwQc+lyDsi76CYBqf1Y7k8UdYh6LLA6nqE3j4+aKLPqnz3o/FGCPH4b32VSFwO7beZgs/ZhE/R0bCreCCRqD6ZXvtzhjPYrfaqzUpnXQaj2pxoNR3wycLdOAHvHWuquXloDYgu2dzlJTTsh1s5D5AO0XxWgEO6K9nmR/OL+/ZEnyhP3z',
  ],
];
