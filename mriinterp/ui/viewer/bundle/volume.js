// Made from ../js by `npm run build`; not to be edited.
function n(){return globalThis.mriinterpVolumes??=new Map,globalThis.mriinterpVolumes}function a(r){let e=n();if(!e.has(r)){let t={users:0,started:!1};t.promise=
new Promise((u,c)=>Object.assign(t,{resolve:u,reject:c})),e.set(r,t)}return e.get(r)}async function f(r){let e=new Blob([r]).stream().pipeThrough(new DecompressionStream(
"gzip"));return new Uint8Array(await new Response(e).arrayBuffer())}function i(r){let e=new TextDecoder().decode(r.subarray(0,32)),t=a(e);return t.users+=1,t.started||
(t.started=!0,f(r.slice(32)).then(t.resolve,t.reject)),e}function s(r){let e=n().get(r);e&&(e.users-=1)<=0&&n().delete(r)}var o=new WeakMap;function m({data:r,parentElement:e}){let t=o.get(e);return r instanceof Uint8Array&&o.set(e,i(r)),t&&s(t),()=>{o.has(e)&&s(o.get(e)),o.delete(
e)}}export{m as default};
