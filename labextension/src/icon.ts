import { LabIcon } from '@jupyterlab/ui-components';

// A tick that closes a rising line: a run that was signed off.
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
    <path d="M2 13.5h12"/>
    <path d="M2 9.5l3-3 2.5 2.5L14 2.5"/>
    <path d="M10.5 2.5H14V6"/>
  </g>
</svg>`;

export const runsIcon = new LabIcon({ name: 'nbmlops:runs', svgstr: svg });
