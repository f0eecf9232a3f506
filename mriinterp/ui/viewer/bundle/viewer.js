// Made from ../js by `npm run build`; not to be edited.
function kt(n,t){let e=0;for(let s=1;s<n.length;s+=1)Math.abs(n[s]-t)<Math.abs(n[e]-t)&&(e=s);return e}function _({ranges:n,centres:t},e,s=[0,0,0]){let i=n.map(
(o,r)=>o[kt(t[r],e[r])+s[r]]);return i.every(o=>o&&o[1]>o[0])?i:null}function Mt({centres:n},t,e){let s=n.map((r,a)=>r[kt(r,t[a])]),[i,o]=e;return n[i].flatMap(
r=>n[o].map(a=>{let h=[...s];return[h[i],h[o]]=[r,a],h}))}function f(n,t={},...e){let s=document.createElement(n);for(let[i,o]of Object.entries(t))o==null||o===!1||(i.startsWith("on")?s.addEventListener(i.slice(2),o):i===
"text"?s.textContent=o:i==="value"?s.value=o:s.setAttribute(i,o===!0?"":o));return s.append(...e.filter(i=>i!=null)),s}var Yt={peak:"M12 3v4M12 17v4M3 12h4M17 1\
2h4M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",play:"M8 5l11 7-11 7z",pause:"M8 5v14M16 5v14",camera:"M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-\
7z",expand:"M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",tune:"M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",eye:"M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3\
 0 1 0 0 6 3 3 0 0 0 0-6z"};function pt(n){let t=document.createElementNS("http://www.w3.org/2000/svg","svg"),e=document.createElementNS("http://www.w3.org/2000\
/svg","path");return e.setAttribute("d",Yt[n]),t.setAttribute("viewBox","0 0 24 24"),t.setAttribute("aria-hidden","true"),t.setAttribute("class","icon"),t.append(
e),t}function C(n,t,e){let s=Math.min(globalThis.devicePixelRatio||1,3),i=Math.max(1,Math.round(t*s)),o=Math.max(1,Math.round(e*s));(n.width!==i||n.height!==o)&&
(n.width=i,n.height=o,n.style.width=`${t}px`,n.style.height=`${e}px`);let r=n.getContext("2d");return r.setTransform(i/t,0,0,o/e,0,0),r}var x=(n,t,e)=>Math.min(e,Math.max(t,n)),Kt="⁰¹²³⁴⁵⁶⁷⁸⁹";function Jt(n){return String(n).replace("-","⁻").replace(/\d/g,t=>Kt[t])}function y(n,t=3){
if(!Number.isFinite(n))return"no value";if(n===0)return"0";let[e,s]=n.toExponential(t-1).split("e"),i=Number(s);return(i<-3||i>=6?`${e}×10${Jt(i)}`:n.toFixed(x(
t-1-i,0,8))).replace("-","−")}function ut(n){return String(n).replace(/\B(?=(\d{3})+(?!\d))/g," ")}function T(n){let t=Math.round(n*10)/10;return(Object.is(t,
-0)?"0":String(t)).replace("-","−")}var k=[{axis:0,name:"Sagittal",coordinate:"x",horizontal:1,vertical:2},{axis:1,name:"Coronal",coordinate:"y",horizontal:0,vertical:2},{axis:2,name:"Axial",coordinate:"\
z",horizontal:0,vertical:1}],E=[["L","R"],["P","A"],["I","S"]],St={radiological:"Radiological: patient left on screen right",neurological:"Neurological: patient\
 left on screen left"};function dt(n,[t,e,s]){return[0,1,2].map(i=>n[i][0]*t+n[i][1]*e+n[i][2]*s+n[i][3])}function At(n,t,e){let[s,i]=[0,1,2].filter(a=>a!==t),[
o,r]=[0,1,2].filter(a=>a!==e);return(n[s][o]*n[i][r]-n[s][r]*n[i][o])*((t+e)%2?-1:1)}function Tt(n){return[0,1,2].reduce((t,e)=>t+n[0][e]*At(n,0,e),0)}function Xt(n){
let t=Tt(n);return[0,1,2].map(e=>{let s=[0,1,2].map(i=>At(n,i,e)/t);return[...s,-s.reduce((i,o,r)=>i+o*n[r][3],0)]})}var U=class{constructor(t){this.shape=t.shape,
this.affine=t.affine,this.inverse=Xt(t.affine),this.toFile=t.toVoxel,this.strides=[1,t.shape[0],t.shape[0]*t.shape[1]],this.zooms=[0,1,2].map(e=>Math.hypot(...[
0,1,2].map(s=>t.affine[s][e]))),this.voxelVolume=Math.abs(Tt(t.affine))}get center(){return this.shape.map(t=>t>>1)}index([t,e,s]){return t+this.strides[1]*e+this.
strides[2]*s}voxelAt(t){return[t%this.shape[0],Math.floor(t/this.strides[1])%this.shape[1],Math.floor(t/this.strides[2])]}inside(t){return t.map((e,s)=>x(Math.round(
e),0,this.shape[s]-1))}mm(t){return dt(this.affine,t)}fromMm(t){return this.inside(dt(this.inverse,t))}fileVoxel(t){return dt(this.toFile,this.mm(t)).map(Math.round)}extent(t){
return[t.horizontal,t.vertical].map(e=>this.shape[e]*this.zooms[e])}},P=(n,t)=>n===0&&t==="radiological";function V(n,t){let[e,s]=E[n.horizontal],[i,o]=E[n.vertical];
return P(n.horizontal,t)?{left:s,right:e,top:o,bottom:i}:{left:e,right:s,top:o,bottom:i}}var Qt=3,Zt=38,te=14;function Pt(n){let{views:t,settings:e,stage:s,spec:i}=n,o=s.clientWidth;if(!o||!t.length)return!1;let r=se(n);s.classList.toggle("columns",
r);let a=r?Math.floor((o-te*(t.length-1))/t.length):o,h=globalThis.innerHeight||900,c=n.shownPlanes.length===1,u=c?.72:r||t.length===1?.58:.38,p=i.height??x(h*u,
280,c?1e3:640);for(let l of t){if(l.element.style.width=r?`${a}px`:"",l.head.classList.toggle("stacked",r||a<620),l.head.classList.toggle("narrow",a<260),l.bar?.
resize(r?a:Math.min(300,a*.4)),e.view==="mosaic"){l.planes.replaceChildren(l.mosaic.canvas),l.mosaic.resize(a);continue}ie(n,l,a,p,r)}return ee(t,r),!0}function ee(n,t){
for(let s of n)s.head.style.minHeight="";if(!t)return;let e=Math.max(...n.map(s=>s.head.offsetHeight));for(let s of n)s.head.style.minHeight=`${e}px`}function se({
views:n,settings:t}){return n.length<2||t.view==="mosaic"?!1:t.layout==="auto"?n.length>2:t.layout==="columns"}function ie(n,t,e,s,i){let o=n.shownPlanes,r=o.map(
d=>n.space.extent(d)),a=r.map(([d])=>d),h=r.map(([,d])=>d),c=a.reduce((d,m)=>d+m,0),u=e-Qt*(o.length-1),p=Math.round(Math.min(s,u/c*Math.max(...h))),l=Math.min(
e/Math.max(...a),s/Math.max(...h));t.planes.classList.toggle("stacked",i),t.planes.replaceChildren(...o.map((d,m)=>{let g=i?e:Math.floor(u*a[m]/c),A=i?Math.round(
h[m]*l):p;return t.panes[d.axis].resize(g,A),t.profiles[d.axis]?.resize(g,Zt),f("div",{class:"cell"},t.panes[d.axis].canvas,t.profiles[d.axis]?.canvas)}))}var Ct=`(()=>{function U(o,m,c,A,g){let[i,u,h]=m,f=i*u,n=new Uint8Array(o.length);for(let t=0;t<o.length;t+=1){let e=o[t];n[t]=e===65535?0:e>=A?1:e<=c?2:0}let r\
=new Int32Array(
o.length),x=0,w=0;for(let t=0;t<n.length;t+=1){let e=n[t];if(e!==1&&e!==2)continue;let l=1;r[0]=t,n[t]=e+2;for(let p=0;p<l;p+=1){let s=r[p],k=s%i,v=(s/i|0)%u,y=\
s/
f|0;k>0&&n[s-1]===e&&(n[r[l++]=s-1]=e+2),k<i-1&&n[s+1]===e&&(n[r[l++]=s+1]=e+2),v>0&&n[s-i]===e&&(n[r[l++]=s-i]=e+2),v<u-1&&n[s+i]===e&&(n[r[l++]=s+i]=e+2),y>0&\
&
n[s-f]===e&&(n[r[l++]=s-f]=e+2),y<h-1&&n[s+f]===e&&(n[r[l++]=s+f]=e+2)}if(l<g)for(let p=0;p<l;p+=1)n[r[p]]=0;else x+=1,w+=l}return{mask:n,clusters:x,voxels:w}}f\
unction z(o,m,c,A){let[g,i,u]=c,h=c.map(n=>new Float64Array(n)),f=c.map(n=>new Float64Array(n));for(let n=0,r=0;n<u;n+=1)for(let x=0;x<i;x+=1)for(let w=0;w<g;w+\
=
1,r+=1){if(m[r]===0)continue;let t=o[r]-A,e=t>0?h:f;e[0][w]+=t,e[1][x]+=t,e[2][n]+=t}return{positive:h,negative:f}}var j=new Map;globalThis.onmessage=({data:o})\
=>{if(o.codes&&j.set(o.id,o),o.drop&&j.delete(o.drop),!o.job)return;let{codes:m,shape:c,zero:A}=j.get(o.id),{mask:g,
clusters:i,voxels:u}=U(m,c,o.low,o.high,o.least),h=z(m,g,c,A);postMessage({id:o.id,job:o.job,mask:o.least>1?g:null,clusters:i,voxels:u,...h})};})();
`;var B=class{constructor(t){this.answer=t,this.newest=new Map,this.loaded=new Set,this.job=0,this.url=URL.createObjectURL(new Blob([Ct],{type:"text/javascript"})),
this.worker=new Worker(this.url),this.worker.onmessage=({data:e})=>{this.busy=!1,this.newest.get(e.id)?.job===e.job&&this.answer(e.id,e),this.next()},this.waiting=
new Map,this.busy=!1}load(t,e,s,i){this.loaded.has(t)||(this.loaded.add(t),this.worker.postMessage({id:t,codes:e,shape:s,zero:i}))}keepOnly(t){for(let e of this.
loaded)t.has(e)||(this.loaded.delete(e),this.worker.postMessage({drop:e}))}ask(t,e,s,i){let o={id:t,job:this.job+=1,low:e,high:s,least:i};this.newest.set(t,o),this.
waiting.set(t,o),this.busy||this.next()}next(){let[t,e]=this.waiting.entries().next().value??[];if(e){if(this.waiting.delete(t),!this.loaded.has(t)){this.next();
return}this.busy=!0,this.worker.postMessage(e)}}get idle(){return!this.busy&&this.waiting.size===0}close(){this.worker.terminate(),URL.revokeObjectURL(this.url)}};var D=class{constructor(t,e){this.space=t,this.areas=e,this.paths=new Map}path(t,e,s,i){let o=`${t.axis}/${e}/${s}/${i}`;return this.paths.has(o)||(this.paths.size>
240&&this.paths.delete(this.paths.keys().next().value),this.paths.set(o,this.trace(t,e,s,i))),this.paths.get(o)}trace(t,e,s,i){let{space:o}=this,r=o.shape[t.horizontal],
a=o.shape[t.vertical],h=e*o.strides[t.axis],{codes:c}=this.areas,u=(l,d)=>{if(l<0||d<0||l>=r||d>=a)return 0;let m=s?r-1-l:l,g=c[h+m*o.strides[t.horizontal]+(a-1-
d)*o.strides[t.vertical]];return i&&g!==i?0:g},p=new Path2D;for(let l=0;l<=a;l+=1)for(let d=0,m=-1;d<=r;d+=1){let g=d<r&&u(d,l)!==u(d,l-1);g&&m<0&&(m=d),!g&&m>=
0&&(p.moveTo(m,l),p.lineTo(d,l),m=-1)}for(let l=0;l<=r;l+=1)for(let d=0,m=-1;d<=a;d+=1){let g=d<a&&u(l,d)!==u(l-1,d);g&&m<0&&(m=d),!g&&m>=0&&(p.moveTo(l,m),p.lineTo(
l,d),m=-1)}return p}draw(t,e,s,i,o,r,a){let h=e.width/this.space.shape[s.horizontal],c=e.height/this.space.shape[s.vertical],u=(p,l,d)=>{t.save(),t.translate(e.
x,e.y),t.scale(h,c),t.strokeStyle=l,t.lineWidth=d/h,t.stroke(p),t.restore()};if(a==="all"){let p=this.path(s,i,o,0);u(p,"rgba(0, 0, 0, 0.55)",1.8),u(p,"rgba(255\
, 255, 255, 0.75)",.7)}if(r){let p=this.path(s,i,o,r);u(p,"rgba(0, 0, 0, 0.8)",3.2),u(p,"#ffffff",1.5)}}};var F=class{constructor(t,e){Object.assign(this,{step:t,changed:e}),this.timer=null}get playing(){return this.timer!==null}start(){this.playing||(this.timer=setInterval(
this.step,90),this.changed(!0))}stop(){this.playing&&(clearInterval(this.timer),this.timer=null,this.changed(!1))}};var ne=Date.now(),W=class{constructor(t){this.what=t,this.send=null,this.timer=null}ask(t){clearTimeout(this.timer),this.timer=setTimeout(()=>{let e=this.what();
e&&this.send({...e,click:ne+=1})},t)}close(){clearTimeout(this.timer)}};var re={planes:"all",overlay:!0,smooth:!0,fade:!1,crosshair:!0,patch:!0,black:0,white:1,signedScale:"blue-black-red",unsignedScale:"inferno",top:null},ft=["view",
"layout","convention","threshold","threshold_mode","cluster","opacity","outlines","share_range"],$t={layout:["view","layout","planes","convention","share_range",
"top"],measure:["threshold","threshold_mode","cluster"],color:["threshold","threshold_mode","opacity","fade","signedScale","unsignedScale","share_range","top"],
window:["black","white"]},Rt=.02,H=Object.keys($t);function mt(n,t={}){return{...re,...n,...t}}function Ot(n){return H.filter(t=>$t[t].some(e=>e in n))}function zt(n){
return ft.some(t=>t in n)}function Et(n){return Object.fromEntries(ft.map(t=>[t,n[t]]))}function Lt(n,t){let e=ft.filter(s=>JSON.stringify(n[s])!==JSON.stringify(
t[s]));return Object.fromEntries(e.map(s=>[s,t[s]]))}function Nt(n,{black:t,white:e}){return"black"in n?{...n,white:Math.max(e,n.black+Rt)}:"white"in n?{...n,black:Math.
min(t,n.white-Rt)}:n}function jt(n){return n.threshold??(n.threshold_mode==="percentile"?90:0)}function It(n){let t=n.space.index(n.cursor),e=n.space.mm(n.cursor),s=[`${n.spec.space} (${e.map(T).join(", ")}) mm`,`voxel (${n.space.fileVoxel(n.cursor).join(
", ")})`,`${n.spec.scanLabel} ${y(n.views[0].scan.value(t))}`];for(let i of n.views){if(!i.map)continue;let o=y(i.map.value(t),4);n.views.length===1&&s.push(`${n.
spec.valueLabel} ${o}`),i.reading.textContent=n.views.length===1?"":o}n.areas&&s.push(n.areas.at(t)),n.status.textContent=s.join(" · "),n.toolbar.showCursor(e)}
function gt(n){let t=n.views.find(a=>a.measured);if(!t||n.views.length>1){n.shown.textContent="";return}let{voxels:e,clusters:s}=t.measured,i=t.map.signed?"|val\
ue|":"value",o=t.threshold>0?`${i} ≥ ${y(t.threshold)}: `:"",r=e*n.space.voxelVolume/1e3;n.shown.textContent=`Shown: ${o}${ut(e)} voxels (${y(r)} cm³) in ${ut(
s)} ${s===1?"cluster":"clusters"}`}function wt(n){let t=getComputedStyle(n),e=(s,i)=>t.getPropertyValue(s).trim()||i;return{font:t.fontFamily,colors:{text:e("--st-text-color","#222"),border:e("--\
st-border-color","#999"),background:e("--st-background-color","#fff"),faint:e("--faint","#888"),positive:"#e2622b",negative:"#3f8fe8"}}}function $(n,t){if(t===8)return n;let e=n.length/2,s=new Uint16Array(e);for(let i=0;i<e;i+=1)s[i]=n[i]|n[e+i]<<8;return s}var q={signed:{"blue-black-red":{label:"Blue – black – red",stops:["#c4f3ff","#5cb8ff","#2378f0","#1a3fae","#12121c","#9c1616","#e23c1e","#ff8a26","#ffeaa6"]},
"blue-white-red":{label:"Blue – white – red",stops:["#053061","#2166ac","#4393c3","#92c5de","#f7f7f7","#f4a582","#d6604d","#b2182b","#67001f"]},"purple-oran\
ge":{label:"Purple – orange",stops:["#e6daff","#b193ff","#7b4be0","#4a2a9c","#16141a","#8a4204","#cc6a08","#ffa63c","#ffe6b8"]}},unsigned:{inferno:{label:"Inf\
erno",stops:["#160b39","#420a68","#6a176e","#932667","#bc3754","#dd513a","#f37819","#fca50a","#f6d746","#fcffa4"]},hot:{label:"Hot",stops:["#4a0000","#a00000","\
#f01000","#ff7000","#ffc000","#ffff60","#ffffe8"]},viridis:{label:"Viridis",stops:["#440154","#482878","#3e4989","#31688e","#26828e","#1f9e89","#35b779","#6ece5\
8","#b5de2b","#fde725"]}}},_t=[118,118,122],ae=n=>[1,3,5].map(t=>parseInt(n.slice(t,t+2),16));function vt(n,t){let s=(q[n][t]??Object.values(q[n])[0]).stops.map(
ae),i=new Uint8Array(768);for(let o=0;o<256;o+=1){let r=o/255*(s.length-1),a=Math.min(s.length-2,Math.floor(r));for(let h=0;h<3;h+=1)i[3*o+h]=Math.round(s[a][h]+
(r-a)*(s[a+1][h]-s[a][h]))}return i}function bt(n,t){return Math.round(255*x((n-t[0])/(t[1]-t[0]),0,1))}function Ut(n,t,e){let{ramp:s,range:i,cuts:o,opacity:r,fade:a}=t,
h=Math.max(Math.abs(i[0]),Math.abs(i[1]))||1;e.fill(0);let c=(u,p)=>{for(let l=Math.max(0,u);l<=Math.min(p,65534);l+=1){let d=(l-n.zero)*n.scale,m=3*bt(d,i),g=a?
Math.min(1,Math.abs(d)/h)**.6:1,A=Math.round(255*r*g);e[l]=(A<<24|s[m+2]<<16|s[m+1]<<8|s[m])>>>0}};return c(0,o.low),c(o.high,65534),e}function Vt(n,t,e){let s=Math.
max(1e-6,t-n);for(let i=0;i<256;i+=1){let o=Math.round(255*x((i-n)/s,0,1));e[i]=(255<<24|o<<16|o<<8|o)>>>0}return e}var G=12;function he(n,t,e){let s=t.textContent.trim();if(!s||t.offsetParent===null)return;let i=getComputedStyle(t),o=document.createRange();o.selectNodeContents(
t);let r=parseFloat(i.fontSize);n.font=`${i.fontWeight} ${r}px ${i.fontFamily}`,n.fillStyle=i.color,n.textAlign="left",n.textBaseline="top";let a=o.getBoundingClientRect(),
h=t.getBoundingClientRect().width+2,c="",u=a.top-e.top+2;for(let p of s.split(" ")){let l=c?`${c} ${p}`:p;c&&n.measureText(l).width>h?(n.fillText(c,a.left-e.left,
u),u+=r*1.35,c=p):c=l}n.fillText(c,a.left-e.left,u)}function le(n){let t=n.stage.getBoundingClientRect(),e=n.footer.getBoundingClientRect(),s=Math.max(2,globalThis.
devicePixelRatio||1),[i,o]=[t.width+2*G,e.bottom-t.top+2*G],r=document.createElement("canvas");r.width=Math.round(i*s),r.height=Math.round(o*s);let a=r.getContext(
"2d");a.scale(s,s),a.fillStyle=n.colors.background,a.fillRect(0,0,i,o),a.translate(G,G);for(let h of n.stage.querySelectorAll("canvas")){let c=h.getBoundingClientRect();
c.width&&a.drawImage(h,c.left-t.left,c.top-t.top,c.width,c.height)}for(let h of n.root.querySelectorAll("[data-text]"))he(a,h,t);return r}function Bt(n){n.draw(),
le(n).toBlob(t=>{let e=URL.createObjectURL(t),s=n.space.mm(n.cursor).map(r=>Math.round(r)).join("_"),i=`${n.spec.key}_${n.settings.view}_${s}.png`.replace(/[^\w.-]+/g,
"-"),o=f("a",{href:e,download:i});n.root.append(o),o.click(),o.remove(),setTimeout(()=>URL.revokeObjectURL(e),1e4)},"image/png")}var N={play:"Play through the slices of the plane last used (space)",peak:"Go to the strongest relevance of the map last used (p)",picture:"Save what is shown a\
s PNG",planes:"Planes shown (double-click a plane to enlarge it)",convention:"On which side of the screen the patient’s left lies",threshold_mode:"Percentile \
of the magnitudes other than 0, each map its own; or one value for all maps",overlay:"Show or hide the relevance (o)",black:"Darkest grey of the scan: 0 % is it\
s 1st, 100 % its 99th percentile",white:"Brightest grey of the scan: 0 % is its 1st, 100 % its 99th percentile",fade:"The weaker the relevance, the more transpa\
rent",smooth:"Linear display; off: every voxel as a square",keys:"Keys in a plane: arrows move, Page Up and Page Down change the slice, space plays, o hides the\
 overlay, p goes to the peak"},Y=class{constructor(t){this.viewer=t,this.syncs=[],this.element=f("div",{class:"toolbar",role:"toolbar","aria-label":"Viewer cont\
rols"},this.navigation(),this.overlayRow(),this.display())}sync(){for(let t of this.syncs)t(this.viewer.settings)}button({label:t,text:e,image:s,press:i,name:o}){
let r=[s?pt(s):null,e?f("span",{class:o==="reset"?null:"roomy",text:e}):null];return f("button",{type:"button",class:"tool","aria-label":t,title:N[o]??t,"data-t\
ool":o,onclick:i},...r)}toggle({text:t,setting:e}){let s=f("input",{type:"checkbox","data-setting":e,onchange:()=>this.viewer.set({[e]:s.checked})});return this.
syncs.push(i=>{s.checked=i[e]}),f("label",{class:"field check",title:N[e]},s,f("span",{text:t}))}segments({setting:t,options:e,label:s}){let i=e.map(([o,r])=>f(
"button",{type:"button",class:"segment",text:r,"data-value":o,onclick:()=>this.viewer.set({[t]:o})}));return this.syncs.push(o=>i.forEach(r=>{r.setAttribute("ar\
ia-pressed",String(r.dataset.value===o[t]))})),f("div",{class:"segments",role:"group","aria-label":s},...i)}select({text:t,setting:e,options:s,label:i}){let o=f(
"select",{"data-setting":e,"aria-label":i??t,title:N[e],onchange:()=>this.viewer.set({[e]:o.value})},...s.map(([r,a])=>f("option",{value:r,text:a})));return this.
syncs.push(r=>{o.value=r[e]}),f("label",{class:"field"},t?f("span",{text:t}):null,o)}slider({text:t,setting:e,low:s,high:i,step:o,show:r}){let a=f("output",{class:"\
amount roomy"}),h=f("input",{type:"range",min:String(s),max:String(i),step:String(o),"data-setting":e,"aria-label":t,title:N[e],oninput:()=>this.viewer.set({[e]:Number(
h.value)})});return this.syncs.push(c=>{h.value=String(c[e]),a.textContent=r(c[e])}),f("label",{class:"field"},f("span",{text:t}),h,a)}navigation(){let{viewer:t}=this;
this.coordinates=k.map(o=>f("input",{type:"number",class:"coordinate",step:"1","aria-label":`${o.coordinate} in mm`,"data-coordinate":o.coordinate,onchange:()=>this.
typed()})),this.play=this.button({label:"Play",image:"play",name:"play",press:()=>t.togglePlay()}),this.more=this.button({label:"Display settings",image:"tune",
text:"Display",name:"display",press:()=>this.toggleDisplay()}),this.more.setAttribute("aria-expanded","false");let e=this.button({label:"Go to the peak",image:"\
peak",text:"Peak",name:"peak",press:()=>t.toPeak()}),s=[["all","All three"],...k.map(o=>[o.name,o.name])],i=[["radiological","Radiological"],["neurological","Ne\
urological"]];return this.syncs.push(()=>{e.hidden=t.views.every(o=>!o.map)}),f("div",{class:"bar"},this.segments({setting:"view",label:"View",options:[["ortho",
"Planes"],["mosaic","Mosaic"]]}),this.select({setting:"planes",label:"Planes shown",options:s}),this.select({setting:"convention",label:"Left and right",options:i}),
f("div",{class:"field coordinates",role:"group","aria-label":"Crosshair in mm"},...k.flatMap((o,r)=>[f("span",{text:o.coordinate}),this.coordinates[r]]),f("span",
{text:"mm"})),e,this.play,f("span",{class:"spring"}),this.more,this.button({label:"Save picture",image:"camera",name:"picture",press:()=>Bt(t)}),this.button({label:"\
Full screen",image:"expand",name:"expand",press:()=>t.toggleFullScreen()}))}overlayRow(){let{viewer:t}=this;this.threshold=f("input",{type:"range",min:"0",max:"\
1000",step:"1","data-setting":"threshold","aria-label":"Threshold",oninput:()=>t.set({threshold:this.fromSlider(Number(this.threshold.value))})}),this.thresholdNumber=
f("input",{type:"number",min:"0",step:"any",class:"number","data-setting":"threshold-exact","aria-label":"Threshold, exact",onchange:()=>t.set({threshold:Math.max(
0,Number(this.thresholdNumber.value)||0)})});let e=[["percentile","percentile"],["value","value"]],s=this.select({setting:"threshold_mode",label:"Threshold by",
options:e}),i=f("input",{type:"number",min:"1",step:"1",class:"number small","data-setting":"cluster","aria-label":"Smallest cluster in voxels",title:"Hide clus\
ters of fewer voxels; voxels touch by faces",oninput:()=>t.set({cluster:Math.max(1,Math.round(Number(i.value)||1))})});this.syncs.push(r=>{let a=t.thresholdSetting;
this.threshold.value=String(this.toSlider(a));let h=r.threshold_mode==="percentile"?Math.round(a*100)/100:Number(a.toPrecision(3));this.focused(this.thresholdNumber)||
(this.thresholdNumber.value=String(h)),this.focused(i)||(i.value=String(r.cluster))}),this.syncs.push(()=>{this.overlayBar.hidden=t.views.every(r=>!r.map)});let o=[
["off","off"],["area","this area"],["all","all areas"]];return this.outlineField=this.select({text:"Outlines",setting:"outlines",options:o}),this.overlayBar=f("\
div",{class:"bar"},this.toggle({text:"Overlay",setting:"overlay"}),f("div",{class:"field"},f("span",{text:"Threshold"}),this.threshold,this.thresholdNumber,s),f(
"label",{class:"field"},f("span",{text:"Cluster ≥"}),i,f("span",{class:"roomy",text:"voxels"})),this.slider({text:"Opacity",setting:"opacity",low:0,high:1,step:.01,
show:r=>`${Math.round(100*r)} %`}),this.outlineField),this.overlayBar}display(){let{viewer:t}=this,e=p=>Object.entries(q[p]).map(([l,d])=>[l,d.label]),s=f("inpu\
t",{type:"number",min:"0",step:"any",class:"number",placeholder:"auto","data-setting":"top","aria-label":"Top of the colour scale",title:"Value at the end of th\
e colour scale of every map; empty: chosen for you",onchange:()=>t.set({top:Number(s.value)>0?Number(s.value):null})}),i=this.select({text:"Colours",setting:"si\
gnedScale",options:e("signed")}),o=this.select({text:"Colours",setting:"unsignedScale",options:e("unsigned")}),r=this.toggle({text:"One colour scale for all map\
s",setting:"share_range"}),a=[["auto","automatic"],["rows","rows"],["columns","columns"]],h=this.select({text:"Maps in",setting:"layout",options:a}),c=this.toggle(
{text:"Occlusion window",setting:"patch"});this.syncs.push(p=>{let l=t.views.filter(d=>d.map).map(d=>d.map.signed);i.hidden=!l.includes(!0),o.hidden=!l.includes(
!1),r.hidden=h.hidden=t.views.length<2,c.hidden=!t.spec.patch,this.outlineField.hidden=!t.areas,s.value=p.top===null?"":String(p.top)});let u=p=>`${Math.round(100*
p)} %`;return this.panel=f("div",{class:"bar panel",hidden:!0},this.slider({text:"Black",setting:"black",low:-.5,high:.9,step:.01,show:u}),this.slider({text:"Wh\
ite",setting:"white",low:.1,high:1.25,step:.01,show:u}),i,o,f("label",{class:"field"},f("span",{text:"Scale ends at"}),s),r,h,this.toggle({text:"Fade weak relev\
ance",setting:"fade"}),this.toggle({text:"Smooth",setting:"smooth"}),this.toggle({text:"Crosshair",setting:"crosshair"}),c,this.button({label:"Reset settings",text:"\
Reset",name:"reset",press:()=>t.reset()}),f("span",{class:"hint",text:N.keys})),this.panel}toggleDisplay(){this.panel.hidden=!this.panel.hidden,this.more.setAttribute(
"aria-expanded",String(!this.panel.hidden))}focused(t){return t.getRootNode().activeElement===t}get thresholdTop(){return this.viewer.settings.threshold_mode===
"percentile"?100:Math.max(...this.viewer.views.map(t=>t.range?.[1]??0),1e-12)}toSlider(t){return Math.round(1e3*t/this.thresholdTop)}fromSlider(t){return t/1e3*
this.thresholdTop}typed(){let t=this.coordinates.map(e=>Number(e.value));t.some(e=>!Number.isFinite(e))||(this.viewer.player.stop(),this.viewer.moveTo(this.viewer.
space.fromMm(t)),this.viewer.report())}showCursor(t){this.coordinates.forEach((e,s)=>{let i=String(Math.round(t[s]*10)/10);!this.focused(e)&&e.value!==i&&(e.value=
i)})}showPlaying(t){this.play.replaceChildren(pt(t?"pause":"play")),this.play.setAttribute("aria-label",t?"Pause":"Play"),this.play.setAttribute("aria-pressed",
String(t))}};var ce=6,K=class{constructor(t){this.view=t,this.canvas=f("canvas",{class:"colorbar",role:"img"})}resize(t){this.width=t,this.height=30,this.context=C(this.canvas,
t,this.height)}get ticks(){let{range:t,threshold:e,map:s}=this.view,i=e>0&&e<t[1]?[e]:[];return s.signed?[t[0],...i.map(o=>-o),0,...i,t[1]]:[t[0],...i.filter(o=>o>
t[0]),t[1]]}draw(t,e=this.context,s=0,i=0,o=t.colors){let{view:r,width:a}=this,{range:h,threshold:c,ramp:u,map:p}=r,l=22,d=a-2*l;e.clearRect(s,i,a,this.height);
let m=p.top>=c*(1-1e-6)?h[1]-ce*(h[1]-h[0])/d:1/0;for(let v=0;v<d;v+=1){let M=h[0]+(v+.5)/d*(h[1]-h[0]),b=p.signed?Math.abs(M):M,w=3*bt(M,h),R=b<Math.min(c,m)||
b===0,[z,qt,Gt]=R?_t:u.subarray(w,w+3);e.fillStyle=`rgb(${z}, ${qt}, ${Gt})`,e.fillRect(s+l+v,i+2,1.5,10)}e.strokeStyle=o.border,e.lineWidth=1,e.strokeRect(s+l-
.5,i+1.5,d+1,11),e.font=`12px ${t.font}`,e.textBaseline="top",e.fillStyle=o.text;let g=v=>s+l+(v-h[0])/(h[1]-h[0])*d,A=[],ct=[...this.ticks].sort((v,M)=>this.rank(
v)-this.rank(M));for(let v of ct){let M=this.label(v),b=e.measureText(M).width/2+3,w=x(g(v),s+b-3,s+a-b+3);A.some(([R,z])=>w+b>R&&w-b<z)||(A.push([w-b,w+b]),e.textAlign=
"center",e.fillText(M,w,i+15),e.fillRect(Math.round(g(v))-.5,i+12,1,3))}let I=r.unit?`, ${r.unit}`:"";this.canvas.setAttribute("aria-label",`Colour scale from ${y(
h[0])} to ${y(h[1])}${I}; grey below ${y(c)}`)}rank(t){let{range:e}=this.view;return t===e[0]||t===e[1]?0:t===0?1:2}label(t){let{range:e,map:s}=this.view,i=s.top>
1.001*e[1];return i&&t===e[1]?`≥ ${y(t,2)}`:i&&s.signed&&t===e[0]?`≤ ${y(t,2)}`:y(t,2)}};var O=class{constructor(t,e){this.space=t,this.plane=e,this.columns=t.shape[e.horizontal],this.rows=t.shape[e.vertical],[this.scan,this.overlay]=[0,1].map(()=>{
let s=document.createElement("canvas");s.width=this.columns,s.height=this.rows;let i=s.getContext("2d"),o=i.createImageData(this.columns,this.rows);return{canvas:s,
context:i,image:o,pixels:new Uint32Array(o.data.buffer)}})}walk(t,e){let{space:s,plane:i}=this,o=s.strides[i.horizontal],r=s.strides[i.vertical];return{start:t*
s.strides[i.axis]+(this.rows-1)*r+(e?(this.columns-1)*o:0),right:e?-o:o,down:-r}}fill(t,e,s,i,{start:o,right:r,down:a}){let{pixels:h}=t;for(let c=0,u=0;c<this.rows;c+=
1)for(let p=0,l=o+c*a;p<this.columns;p+=1,u+=1,l+=r)h[u]=i!==null&&i[l]===0?0:s[e[l]];t.context.putImageData(t.image,0,0)}draw(t,e,{scan:s,map:i,table:o,mask:r,
slice:a,flip:h,smooth:c}){let u=this.walk(a,h);t.imageSmoothingEnabled=c,t.imageSmoothingQuality="medium",this.fill(this.scan,s.codes,s.table,null,u),t.drawImage(
this.scan.canvas,e.x,e.y,e.width,e.height),i&&(this.fill(this.overlay,i.codes,o,r,u),t.drawImage(this.overlay.canvas,e.x,e.y,e.width,e.height))}};var J="#7ee8c2";function S(n,t,e,s,i,o,r="#f2f2f2"){n.textAlign=i,n.textBaseline=o,n.lineJoin="round",n.lineWidth=3,n.strokeStyle="rgba(0, 0, 0, 0.85)",n.strokeText(
t,e,s),n.fillStyle=r,n.fillText(t,e,s)}var X=7,Q=class{constructor(t,e){Object.assign(this,{viewer:t,view:e}),this.images=k.map(s=>new O(t.space,s)),this.canvas=f("canvas",{class:"pane mosaic",tabindex:"\
0",role:"application",onfocus:()=>t.activate(t.active,e),onpointerdown:s=>{this.pick(s)&&t.report()},onkeydown:s=>this.key(s)})}get planes(){return this.viewer.
shownPlanes}slices(t){let[e,s]=this.view.scan.bounds(this.viewer.space)[t];return Array.from({length:X},(i,o)=>Math.round(e+(o+1)*(s-e)/(X+1)))}resize(t){this.width=
t,this.tiles=[];let e=0;for(let s of this.planes){let[i,o]=this.viewer.space.extent(s),r=P(s.axis,this.viewer.settings.convention),a=t/X,h=a*o/i;this.slices(s.axis).
forEach((u,p)=>{let l=r?X-1-p:p;this.tiles.push({plane:s,slice:u,x:l*a,y:e,width:a,height:h})}),e+=h}this.height=e,this.context=C(this.canvas,t,e)}draw(){let{viewer:t,
view:e,context:s}=this,{settings:i,cursor:o}=t;s.fillStyle="#000",s.fillRect(0,0,this.width,this.height);let r=i.overlay?e.map:null;for(let a of this.tiles){let{
plane:h,slice:c}=a,u=P(h.horizontal,i.convention),p={scan:e.scan,map:r,table:e.table,mask:e.mask,slice:c,flip:u,smooth:i.smooth};if(this.images[h.axis].draw(s,a,
p),t.outlines&&i.outlines!=="off"){let m=t.areas.codes[t.space.index(o)];t.outlines.draw(s,a,h,c,u,m,i.outlines)}let l=[...o];l[h.axis]=c,s.font=`${a.width<100?
10:12}px ${t.font}`;let d=`${h.coordinate} ${T(t.space.mm(l)[h.axis])}`;S(s,d,a.x+6,a.y+5,"left","top","#c3c8d0")}this.planes.forEach(a=>this.drawLetters(a)),this.
drawNearest(),this.canvas.setAttribute("aria-label",`${e.name}: seven slices along each axis`)}drawLetters(t){let{context:e,viewer:s}=this,i=V(t,s.settings.convention),
r=this.tiles.filter(a=>a.plane===t).find(a=>a.x===0);e.font=`600 ${r.width<100?12:14}px ${s.font}`,S(e,i.left,5,r.y+r.height/2,"left","middle"),S(e,i.right,this.
width-5,r.y+r.height/2,"right","middle")}drawNearest(){let{context:t,viewer:e}=this;if(e.settings.crosshair){t.strokeStyle=J,t.lineWidth=1.5;for(let s of this.planes){
let i=a=>Math.abs(a.slice-e.cursor[s.axis]),r=this.tiles.filter(a=>a.plane===s).reduce((a,h)=>i(h)<i(a)?h:a);t.strokeRect(r.x+1,r.y+1,r.width-2,r.height-2)}}}pick(t){
if(t.button!==0)return!1;let e=this.canvas.getBoundingClientRect(),[s,i]=[t.clientX-e.left,t.clientY-e.top],o=this.tiles.find(d=>s>=d.x&&s<d.x+d.width&&i>=d.y&&
i<d.y+d.height);if(!o)return!1;let{plane:r,slice:a}=o,{shape:h}=this.viewer.space,c=Math.floor((s-o.x)/o.width*h[r.horizontal]),u=Math.floor((i-o.y)/o.height*h[r.
vertical]),p=[0,0,0];p[r.axis]=a;let l=P(r.horizontal,this.viewer.settings.convention);return p[r.horizontal]=l?h[r.horizontal]-1-c:c,p[r.vertical]=h[r.vertical]-
1-u,this.viewer.moveTo(this.viewer.space.inside(p)),!0}key(t){let e={ArrowLeft:-1,ArrowRight:1,PageUp:1,PageDown:-1};t.key in e&&(t.preventDefault(),this.viewer.
step(this.viewer.active,e[t.key]))}};var pe="rgba(86, 180, 233, 0.9)",ue=5,de=[[1,0,0],[-1,0,0],[0,1,0],[0,-1,0],[0,0,1],[0,0,-1]];function xt(n){let{plane:t,viewer:e}=n,{patch:s}=e.spec;return[t.horizontal,
t.vertical].some(o=>{let[r,a]=s.centres[o];return a!==void 0&&Math.abs(a-r)*n.voxelSize(o)<ue})?[]:Mt(s,e.cursor,[t.horizontal,t.vertical]).map(o=>n.place(o))}function fe(n){
let{context:t}=n;t.fillStyle=pe,t.strokeStyle="rgba(0, 0, 0, 0.8)",t.lineWidth=1;for(let[e,s]of xt(n))t.beginPath(),t.arc(e,s,2.5,0,2*Math.PI),t.fill(),t.stroke()}
function Dt(n){let{context:t,viewer:e,view:s,box:i}=n,o=r=>{let a=_(e.spec.patch,e.cursor,r);if(!a)return;let h=m=>n.place(a.map(g=>g[m]-.5)),[[c,u],[p,l]]=[h(0),
h(1)],d=[Math.min(c,p),Math.min(u,l),Math.abs(p-c),Math.abs(l-u)];t.strokeRect(...d),!s.map&&r.every(m=>m===0)&&t.fillRect(...d)};t.save(),t.beginPath(),t.rect(
i.x,i.y,i.width,i.height),t.clip(),s.map||fe(n),t.fillStyle="rgba(255, 226, 92, 0.16)",t.strokeStyle="rgba(255, 226, 92, 0.5)",t.lineWidth=1,t.setLineDash([3,4]);
for(let r of de)o(r);t.setLineDash([]),t.strokeStyle="#ffe25c",t.lineWidth=1.5,o([0,0,0]),t.restore()}var Z=class{constructor(t,e,s){Object.assign(this,{viewer:t,view:e,plane:s}),this.image=new O(t.space,s),this.wheel=0,this.canvas=f("canvas",{class:"pane",tabindex:"\
0",role:"application","data-plane":s.name.toLowerCase(),"aria-roledescription":"brain slice",onpointerdown:i=>this.press(i),onpointermove:i=>this.drag(i),onpointerup:i=>this.
release(i),onpointercancel:i=>this.release(i),ondblclick:()=>t.set({planes:t.settings.planes==="all"?s.name:"all"}),onkeydown:i=>this.key(i),onfocus:()=>t.activate(
s.axis,e)}),this.canvas.addEventListener("wheel",i=>this.roll(i),{passive:!1})}get flip(){return P(this.plane.horizontal,this.viewer.settings.convention)}get letters(){
return V(this.plane,this.viewer.settings.convention)}resize(t,e){let[s,i]=this.viewer.space.extent(this.plane),o=Math.min(t/s,e/i);Object.assign(this,{width:t,height:e});
let[r,a]=[s*o,i*o];this.box={width:r,height:a,x:(t-r)/2,y:(e-a)/2},this.context=C(this.canvas,t,e)}draw(){let{viewer:t,view:e,plane:s,context:i,box:o,flip:r}=this,
{settings:a,cursor:h}=t,c=h[s.axis];i.fillStyle="#000",i.fillRect(0,0,this.width,this.height);let u=a.overlay?e.map:null;if(this.image.draw(i,o,{scan:e.scan,map:u,
table:e.table,mask:e.mask,slice:c,flip:r,smooth:a.smooth}),t.outlines&&a.outlines!=="off"){let l=t.areas.codes[t.space.index(h)];t.outlines.draw(i,o,s,c,r,l,a.outlines)}
t.spec.patch&&a.patch&&Dt(this),a.crosshair&&this.drawCrosshair(),this.drawLabels();let p=t.space.mm(h)[s.axis];this.canvas.setAttribute("aria-label",`${e.name}\
 ${s.name}, ${s.coordinate} = ${T(p)} mm. Arrow keys move the crosshair, Page Up and Page Down change the slice.`)}patchCenters(){return xt(this)}place(t){let{horizontal:e,
vertical:s}=this.plane,[i,o]=[this.viewer.space.shape[e],this.viewer.space.shape[s]],r=this.flip?i-1-t[e]:t[e];return[this.box.x+(r+.5)*this.box.width/i,this.box.
y+(o-.5-t[s])*this.box.height/o]}voxelSize(t){let{shape:e}=this.viewer.space;return t===this.plane.horizontal?this.box.width/e[t]:this.box.height/e[t]}drawCrosshair(){
let{context:t,box:e}=this,[s,i]=this.place(this.viewer.cursor).map(r=>Math.round(r)+.5),o=7;t.beginPath();for(let[r,a]of[[e.x,s-o],[s+o,e.x+e.width]])a>r&&(t.moveTo(
r,i),t.lineTo(a,i));for(let[r,a]of[[e.y,i-o],[i+o,e.y+e.height]])a>r&&(t.moveTo(s,r),t.lineTo(s,a));t.lineWidth=1,t.globalAlpha=.85,t.strokeStyle=J,t.stroke(),t.
globalAlpha=1}drawLabels(){let{context:t,plane:e,viewer:s,width:i,height:o}=this,{letters:r}=this,a=i<190;t.font=`600 ${a?12:14}px ${s.font}`;let h=a?4:7;S(t,r.
left,h,o/2,"left","middle"),S(t,r.right,i-h,o/2,"right","middle"),S(t,r.top,i/2,h,"center","top"),S(t,r.bottom,i/2,o-h,"center","bottom"),t.font=`${a?11:13}px ${s.
font}`;let c=s.space.mm(s.cursor)[e.axis];i>240&&S(t,e.name,8,8,"left","top","#b9bec7");let u=a?"":" mm";S(t,`${e.coordinate} ${T(c)}${u}`,i-h-1,h+1,"right","to\
p","#b9bec7")}locate(t){let{horizontal:e,vertical:s}=this.plane,{shape:i}=this.viewer.space,o=this.canvas.getBoundingClientRect(),r=Math.floor((t.clientX-o.left-
this.box.x)/this.box.width*i[e]),a=Math.floor((t.clientY-o.top-this.box.y)/this.box.height*i[s]),h=[...this.viewer.cursor];return h[e]=this.flip?i[e]-1-r:r,h[s]=
i[s]-1-a,this.viewer.space.inside(h)}press(t){t.button===0&&(this.canvas.setPointerCapture(t.pointerId),this.pressed=!0,this.viewer.player.stop(),this.viewer.moveTo(
this.locate(t)))}drag(t){this.pressed&&this.viewer.moveTo(this.locate(t))}release(t){this.pressed&&(this.pressed=!1,t.type==="pointerup"&&this.viewer.report())}roll(t){
if(t.ctrlKey)return;t.preventDefault(),this.wheel+=t.deltaMode===1?t.deltaY*40:t.deltaY;let e=Math.trunc(this.wheel/40);e&&(this.wheel=0,this.viewer.activate(this.
plane.axis,this.view),this.viewer.step(this.plane.axis,-Math.sign(e)*Math.min(3,Math.abs(e))))}key(t){let{viewer:e,plane:s}=this,i=this.flip?-1:1,o={ArrowLeft:[
s.horizontal,-i],ArrowRight:[s.horizontal,i],ArrowUp:[s.vertical,1],ArrowDown:[s.vertical,-1],PageUp:[s.axis,1],PageDown:[s.axis,-1],Home:[s.axis,-1e6],End:[s.axis,
1e6]};if(t.key in o){let[r,a]=o[t.key];e.step(r,t.shiftKey?10*a:a)}else if(t.key===" ")e.togglePlay();else if(t.key==="Enter")e.report();else if(t.key==="o")e.set(
{overlay:!e.settings.overlay});else if(t.key==="p")e.toPeak();else return;t.preventDefault()}};var tt=class{constructor(t,e,s){Object.assign(this,{viewer:t,view:e,plane:s}),this.canvas=f("canvas",{class:"profile",tabindex:"0",role:"slider","data-plane":s.
name.toLowerCase(),"aria-valuemin":"0","aria-valuemax":String(t.space.shape[s.axis]-1),"aria-label":`${e.name} relevance per ${s.name.toLowerCase()} slice`,title:`\
Sum of the relevance shown, per ${s.name.toLowerCase()} slice. Click or drag to go there.`,onpointerdown:i=>{this.canvas.setPointerCapture(i.pointerId),this.pressed=
!0,t.player.stop(),this.go(i)},onpointermove:i=>this.pressed&&this.go(i),onpointerup:()=>{this.pressed=!1,t.report()},onpointercancel:()=>{this.pressed=!1},onfocus:()=>t.
activate(s.axis,e),onkeydown:i=>this.key(i)})}get flip(){return P(this.plane.axis,this.viewer.settings.convention)}resize(t,e){Object.assign(this,{width:t,height:e}),
this.context=C(this.canvas,t,e)}get inset(){return{left:18,width:this.width-36}}x(t){let e=this.viewer.space.shape[this.plane.axis],{left:s,width:i}=this.inset;
return s+((this.flip?e-1-t:t)+.5)*i/e}go(t){let e=this.viewer.space.shape[this.plane.axis],{left:s,width:i}=this.inset,o=Math.floor((t.clientX-this.canvas.getBoundingClientRect().
left-s)/i*e),r=[...this.viewer.cursor];r[this.plane.axis]=this.flip?e-1-o:o,this.viewer.moveTo(this.viewer.space.inside(r))}key(t){let e=this.flip?-1:1,s={ArrowRight:e,
ArrowLeft:-e,ArrowUp:1,ArrowDown:-1,PageUp:10,PageDown:-10,Home:-1e6,End:1e6};t.key in s&&(t.preventDefault(),this.viewer.step(this.plane.axis,s[t.key]))}draw(){
let{context:t,plane:e,viewer:s,view:i,width:o,height:r}=this,a=s.cursor[e.axis],h=s.colors;t.clearRect(0,0,o,r);let[c,u]=this.flip?[...E[e.axis]].reverse():E[e.
axis];t.font=`600 12px ${s.font}`,t.fillStyle=h.faint,t.textBaseline="middle",t.textAlign="left",t.fillText(c,3,r/2),t.textAlign="right",t.fillText(u,o-3,r/2);let p=i.
measured,l=p?.positive[e.axis],d=p?.negative[e.axis],m=i.map?.signed??!1,g=m?Math.round(r/2):r-3;if(p){let I=Math.max(...l,...d.map(w=>-w))||1,v=m?r/2-3:r-6,M=this.
inset.width/l.length,b=(w,R,z)=>{t.fillStyle=z,t.fillRect(this.x(w)-M/2,Math.min(g,g-R),Math.max(M,.5)+.3,Math.abs(R))};for(let w=0;w<l.length;w+=1)l[w]&&b(w,v*
l[w]/I,h.positive),d[w]&&m&&b(w,v*d[w]/I,h.negative)}t.fillStyle=h.border,t.fillRect(this.inset.left,g,this.inset.width,1);let A=this.x(a);t.fillStyle=h.text,t.
fillRect(A-1,2,2,r-4),this.canvas.setAttribute("aria-valuenow",String(a));let ct=s.space.mm(s.cursor)[e.axis];this.canvas.setAttribute("aria-valuetext",`${e.coordinate}\
 = ${T(ct)} mm`)}};var et=class{constructor(t,e){this.name=t.name,this.names=t.names,this.codes=$(e,t.bits)}at(t){let e=this.codes[t];return e===0?"outside the areas":this.names[e-
1]}};function Ft(n,[t,e,s]){let i=u=>[u%t,Math.floor(u/t)%e,Math.floor(u/(t*e))],o=new Set(n),r=[];for(let u of n){if(!o.delete(u))continue;let p=[u];for(let l=0;l<p.
length;l+=1){let d=i(p[l]);for(let[m,g,A]of[[0,1,t],[1,t,e],[2,t*e,s]])d[m]>0&&o.delete(p[l]-g)&&p.push(p[l]-g),d[m]<A-1&&o.delete(p[l]+g)&&p.push(p[l]+g)}p.length>
r.length&&(r=p)}let a=r.map(i),h=[0,1,2].map(u=>a.reduce((p,l)=>p+l[u],0)/a.length),c=a.map(u=>u.reduce((p,l,d)=>p+(l-h[d])**2,0));return r[c.reduce((u,p,l)=>p<
c[u]?l:u,0)]}var st=class{constructor(t){this.below=new Uint32Array(t.length+1);for(let e=0;e<t.length;e+=1)this.below[e+1]=this.below[e]+t[e];this.count=this.below[t.length]}magnitude(t){
if(t<=0||this.count===0)return 0;let e=Math.min(this.count,Math.ceil(t*this.count/100)),[s,i]=[0,this.below.length-2];for(;s<i;){let o=s+i>>1;this.below[o+1]>=e?
i=o:s=o+1}return s}percentBelow(t){return this.count?100*this.below[t]/this.count:0}};var it=class{constructor(t,e,s){Object.assign(this,{scale:t.scale,zero:t.zero,codes:$(e,t.bits)}),this.signed=t.signed;let i=new Uint32Array(65536),o=0,r=[];for(let a=0;a<
this.codes.length;a+=1){let h=this.codes[a];if(h===65535||h===this.zero)continue;let c=this.signed?Math.abs(h-this.zero):h-this.zero;c<=0||(i[c]+=1,c>o&&([o,r]=
[c,[]]),c===o&&r.push(a))}this.peak=r.length?Ft(r,s):-1,this.percentiles=new st(i),this.count=this.percentiles.count,this.top=o*this.scale,this.flat=this.count>
0&&i[o]===this.count}value(t){let e=this.codes[t];return e===65535?NaN:(e-this.zero)*this.scale}quantile(t){return this.percentiles.magnitude(t)*this.scale}percentOf(t){
let e=x(Math.ceil(t/this.scale-1e-6),0,65535);return this.percentiles.percentBelow(e)}cuts(t){let e=Math.max(1,Math.ceil(t/this.scale-1e-6));return{high:this.zero+
e,low:this.signed?this.zero-e:-1}}ownRange(){let t=this.quantile(99.9),e=(this.top>1.5*t&&t>0?t:this.top)||1;return this.signed?[-e,e]:[0,e]}};var ot=class{constructor(t,e){this.codes=$(e,t.bits),this.low=t.low,this.high=t.high,this.window=t.window,this.table=new Uint32Array(256)}value(t){return this.low+
this.codes[t]/255*(this.high-this.low)}code(t){return 255*(t-this.low)/(this.high-this.low)}setWindow(t,e){let[s,i]=this.window,o=r=>this.code(s+r*(i-s));Vt(o(t),
o(e),this.table)}bounds(t){if(this.box)return this.box;let e=t.shape.map(a=>new Uint32Array(a)),s=Math.max(1,this.code(this.window[0])),[i,o,r]=t.shape;for(let a=0,
h=0;a<r;a+=1)for(let c=0;c<o;c+=1)for(let u=0;u<i;u+=1,h+=1)this.codes[h]<=s||(e[0][u]+=1,e[1][c]+=1,e[2][a]+=1);return this.box=e.map(a=>{let h=a.findIndex(c=>c>
0);return h<0?[0,a.length-1]:[h,a.findLastIndex(c=>c>0)]}),this.box}};function me(){return globalThis.mriinterpVolumes??=new Map,globalThis.mriinterpVolumes}function ge(n){let t=me();if(!t.has(n)){let e={users:0,started:!1};e.promise=
new Promise((s,i)=>Object.assign(e,{resolve:s,reject:i})),t.set(n,e)}return t.get(n)}function Wt(n){return ge(n).promise}var nt=class{constructor(){this.decoded=new Map}async obtain(t,e,s){return this.decoded.has(t)||this.decoded.set(t,s(await Wt(e.volume))),this.decoded.get(t)}async load(t){
let e=u=>`scan ${u.volume}`,s=u=>`areas ${u.volume}`,i=(u,p,l)=>Promise.all(u.map(d=>this.obtain(p(d),d,m=>l(d,m)))),o=t.atlas?[t.atlas]:[],[r,a,[h=null]]=await Promise.
all([i(t.scans,e,(u,p)=>new ot(u,p)),i(t.layers,rt,(u,p)=>new it(u,p,t.shape)),i(o,s,(u,p)=>new et(u,p))]),c=new Set([...t.scans.map(e),...t.layers.map(rt),...o.
map(s)]);return{scans:r,maps:a,areas:h,used:c}}keepOnly(t){for(let e of this.decoded.keys())t.has(e)||this.decoded.delete(e)}};function rt(n){return`${n.volume}${n.
signed}`}var at=class{constructor(t,e,s,i){Object.assign(this,{viewer:t,scan:s,map:i}),this.name=e?.name??"",this.unit=e?.unit??"",this.given=e?.range??null,this.id=e?rt(
e):"",this.measured=null,this.table=new Uint32Array(65536),this.bar=i?new K(this):null,this.panes=k.map(o=>new Z(t,this,o)),this.profiles=i?k.map(o=>new tt(t,this,
o)):[],this.mosaic=new Q(t,this),this.reading=f("span",{class:"reading",title:"Value at the crosshair","data-text":!0}),this.meaning=f("span",{class:"unit","dat\
a-text":!0}),this.planes=f("div",{class:"planes"}),this.head=f("div",{class:"head"},f("span",{class:"name",text:this.name,"data-text":!0}),this.reading,f("span",
{class:"spring"}),this.meaning,this.bar?.canvas),this.element=f("section",{class:"view","aria-label":this.name||"Scan"},i?this.head:null,this.planes)}get mask(){
return this.measured?.mask??null}resolveThreshold(){let{settings:t,thresholdSetting:e}=this.viewer,{map:s}=this,i=s.flat?0:e;this.threshold=t.threshold_mode==="\
percentile"?s.quantile(i):e}ownRange(){if(!this.given)return this.map.ownRange();let[t,e]=this.given;if(!this.map.signed)return e>t?[t,e]:[t,t+1];let s=Math.max(
Math.abs(t),Math.abs(e))||1;return[-s,s]}color(t){let{settings:e}=this.viewer;this.range=t,this.cuts=this.map.cuts(this.threshold),this.ramp=this.map.signed?vt(
"signed",e.signedScale):vt("unsigned",e.unsignedScale),Ut(this.map,{ramp:this.ramp,range:t,cuts:this.cuts,opacity:e.opacity,fade:e.fade},this.table)}describe(){
let{settings:t,views:e}=this.viewer,s=e.length<2?"":t.share_range||t.top!==null?"common scale":"own scale";this.meaning.textContent=[this.unit,s].filter(Boolean).
join(" · ")}draw(){if(this.viewer.settings.view==="mosaic"){this.mosaic.draw();return}for(let t of this.viewer.shownPlanes)this.panes[t.axis].draw(),this.profiles[t.
axis]?.draw()}};function Ht(n,t){n.forEach(r=>r.resolveThreshold());let e=n.map(r=>r.ownRange()),s=t.top??Math.max(...e.map(r=>r[1])),i=Math.min(0,...e.filter((r,a)=>!n[a].
map.signed).map(r=>r[0])),o=t.share_range||t.top!==null;n.forEach((r,a)=>{r.color(o?r.map.signed?[-s,s]:[i,s]:e[a]),r.describe()})}var we=180,ht=400,yt=new Map,lt=class{constructor(t){this.views=[],this.volumes=new nt,this.pending=new Set,this.frames={count:0,last:0,longest:0},this.active=2,
this.measurer=new B((e,s)=>this.takeMeasure(e,s)),this.player=new F(()=>this.playOn(),e=>this.showPlaying(e)),this.reporter=new W(()=>this.player.playing?null:this.
reported),this.stage=f("div",{class:"stage"},f("p",{class:"wait",text:"Loading the images …"})),this.status=f("div",{class:"status",role:"status","data-text":!0}),
this.convention=f("span",{class:"convention","data-text":!0}),this.shown=f("span",{class:"shown","data-text":!0}),this.footer=f("div",{class:"footer"},this.status,
f("div",{class:"notes"},this.convention,this.shown)),this.root=f("div",{class:"mriinterp-viewer","data-ready":"false"},this.stage,this.footer),this.root.mriinterpViewer=
this,t.append(this.root),this.observer=new ResizeObserver(()=>this.spec&&this.root.clientWidth!==this.laidOut&&this.ask("layout")),this.observer.observe(this.root)}async accept(t){
let{data:e,setStateValue:s}=t;this.reporter.send=r=>s("cursor",r);let i=JSON.stringify(e);if(i===this.specText){Object.assign(this,wt(this.root)),this.ask("colo\
r");return}this.specText=i;let o=!this.spec;try{let r=await this.volumes.load(e);if(i!==this.specText||this.closed)return;this.take(e,r,o)}catch(r){this.stage.replaceChildren(
f("p",{class:"wait",role:"alert",text:`The images could not be read: ${r.message}`}))}}take(t,{scans:e,maps:s,areas:i,used:o},r){let a=this.spec;this.spec=t,this.
volumes.keepOnly(o),this.measurer.keepOnly(o);let h=c=>JSON.stringify([c.shape,c.affine,c.scans,c.layers,c.atlas]);(r||h(a)!==h(t))&&this.build(t,e,s,i),this.takeSettings(
t.settings),this.takeCursor(t,r),this.ask(...H)}build(t,e,s,i){this.space=new U(t),this.areas=i,this.outlines=i?new D(this.space,i):null;let o=t.layers.length?t.
layers:[null];this.views=o.map((r,a)=>new at(this,r,e[r?.scan??0],r?s[a]:null));for(let r of this.views)r.map&&this.measurer.load(r.id,r.map.codes,t.shape,r.map.
zero);this.cursor&&(this.cursor=this.space.inside(this.cursor)),this.toolbar||(this.toolbar=new Y(this),this.root.prepend(this.toolbar.element)),this.stage.replaceChildren(
...this.views.map(r=>r.element)),gt(this),Object.assign(this,wt(this.root))}takeSettings(t){let e=yt.get(this.spec.key);this.settings??=mt(t,e?.settings),Object.
assign(this.settings,Lt(this.given??e?.given??t,t)),this.given=t}takeCursor(t,e){let s=e?yt.get(t.key):this;s?.move===t.move&&s.cursor?this.cursor=this.space.inside(
s.cursor):t.cursor&&(this.cursor=this.space.fromMm(t.cursor)),this.cursor??=this.peak()??this.space.center,this.move=t.move}peak(){let t=(this.views.includes(this.
activeView)?this.activeView:this.views[0])?.map;return t&&t.peak>=0?this.space.voxelAt(t.peak):null}get shownPlanes(){return this.settings.planes==="all"?k:k.filter(
t=>t.name===this.settings.planes)}get thresholdSetting(){return jt(this.settings)}set(t){if("threshold_mode"in t&&t.threshold_mode!==this.settings.threshold_mode){
let e=this.views.find(s=>s.map);e&&(t.threshold=t.threshold_mode==="value"?e.threshold:e.map.percentOf(e.threshold))}Object.assign(this.settings,Nt(t,this.settings)),
this.ask(...Ot(t)),zt(t)&&this.report(ht)}reset(){this.settings=mt(this.spec.settings),this.ask(...H),this.report(ht)}moveTo(t){this.cursor.every((e,s)=>e===t[s])||
(this.cursor=t,this.ask(),this.report(ht))}step(t,e){let s=[...this.cursor];s[t]+=e,this.moveTo(this.space.inside(s))}activate(t,e){this.active=t,this.activeView=
e}toPeak(){let t=this.peak();t&&(this.player.stop(),this.moveTo(t),this.report())}togglePlay(){this.player.playing?this.player.stop():this.player.start()}playOn(){
let[t,e]=this.views[0].scan.bounds(this.space)[this.active],s=[...this.cursor];s[this.active]=s[this.active]>=e||s[this.active]<t?t:s[this.active]+1,this.moveTo(
s)}showPlaying(t){this.toolbar.showPlaying(t),t||this.report(ht)}toggleFullScreen(){document.fullscreenElement?document.exitFullscreen():this.root.requestFullscreen?.().
catch(()=>{})}get reported(){return{mm:this.space.mm(this.cursor).map(e=>Math.round(1e6*e)/1e6),move:this.move,settings:{...Et(this.settings),threshold:this.thresholdSetting}}}report(t=we){
this.spec.report&&!this.closed&&this.reporter.ask(t)}ask(...t){t.forEach(e=>this.pending.add(e)),this.request??=requestAnimationFrame(()=>{this.request=null,this.
frame()})}frame(){if(!this.spec||this.closed)return;let t=performance.now(),e=new Set(this.pending);this.pending.clear();let s=this.views.filter(i=>i.map);if((e.
has("measure")||e.has("color"))&&Ht(s,this.settings),It(this),e.has("layout")){if(!Pt(this)){this.pending=e;return}this.laidOut=this.root.clientWidth,this.convention.
textContent=St[this.settings.convention]}if(e.has("window"))for(let i of this.views)i.scan.setWindow(this.settings.black,this.settings.white);if(e.has("measure"))
for(let i of s)this.measurer.ask(i.id,i.cuts.low,i.cuts.high,this.settings.cluster);if(e.has("color")||e.has("layout")||e.has("measure"))for(let i of s)i.bar.draw(
this);e.size&&this.toolbar.sync(),this.draw(),yt.set(this.spec.key,{settings:this.settings,given:this.given,cursor:this.cursor,move:this.move}),this.frames.last=
performance.now()-t,this.frames.longest=Math.max(this.frames.longest,this.frames.last),this.frames.count+=1,this.root.dataset.ready="true"}takeMeasure(t,e){for(let s of this.
views)s.id===t&&(s.measured=e);gt(this),this.ask()}draw(){for(let t of this.views)t.draw()}patchWindow(){return _(this.spec.patch,this.cursor)}close(){this.closed=
!0,this.player.stop(),this.reporter.close(),this.observer.disconnect(),this.measurer.close(),this.root.remove()}};var j=new WeakMap;function ai(n){let t=n.parentElement;return j.has(t)||j.set(t,new lt(t)),j.get(t).accept(n),()=>{j.get(t)?.close(),j.delete(t)}}export{ai as default};
