// Made from ../js by `npm run build`; not to be edited.
function c(e,t={},...i){let s=document.createElement(e);for(let[o,n]of Object.entries(t))n==null||n===!1||(o.startsWith("on")?s.addEventListener(o.slice(2),n):o===
"text"?s.textContent=n:o==="value"?s.value=n:s.setAttribute(o,n===!0?"":n));return s.append(...i.filter(o=>o!=null)),s}function d(e,t,{always:i,others:s}){let[o,n]=[e,t].map(r=>new URLSearchParams(r)),h=r=>o.getAll(r).join(",")!==n.getAll(r).join(","),u=i.filter(r=>o.has(r));return u.
some(h)||u.length>0&&s.some(h)}function p(e){if(history.mriinterpChoices=e,Object.hasOwn(history,"pushState"))return;let t=history.pushState.bind(history);history.
pushState=(i,s,o)=>{let n=new URL(o??location.href,location.href);n.pathname===location.pathname&&n.hash===location.hash&&!d(location.search,n.search,history.mriinterpChoices)?
history.replaceState(i,s,o):t(i,s,o)}}var f=/^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;function l(e){return f.test(e)?"It opens on this computer only: its address is localhost.":""}function y(e){
let t=document.createElement("textarea");t.value=e,t.style.position="fixed",t.style.opacity="0",document.body.append(t),t.select();let i=document.execCommand("c\
opy");return t.remove(),i}async function m(e){try{return await navigator.clipboard.writeText(e),!0}catch{return y(e)}}var x=8e3,a=new WeakMap;function M(){let e=c("span",{class:"note",role:"status"}),t=c("span",{text:"Copy link"}),i,o=c("button",{type:"button",class:"copy",onclick:async()=>{
let n=await m(location.href);t.textContent=n?"Copied":"Copy link",e.textContent=n?l(location.hostname):"The browser does not let a page copy: take the address a\
bove.",clearTimeout(i),i=setTimeout(()=>{t.textContent="Copy link",e.textContent=""},x)},title:`Copies the address of what is shown. ${l(location.hostname)}`.trim()},
t);return c("div",{class:"link"},o,e)}function S({data:e,parentElement:t}){return p(e.choices),e.first&&location.search.slice(1)!==e.query&&history.replaceState(
{},"",location.pathname+(e.query?`?${e.query}`:"")+location.hash),a.has(t)||(a.set(t,M()),t.append(a.get(t))),()=>{a.get(t)?.remove(),a.delete(t)}}export{S as default};
