// Made from ../js by `npm run build`; not to be edited.
function Ut(o,t){let e=0;for(let s=1;s<o.length;s+=1)Math.abs(o[s]-t)<Math.abs(o[e]-t)&&(e=s);return e}function G({ranges:o,centres:t},e,s=[0,0,0]){let i=o.map(
(n,r)=>n[Ut(t[r],e[r])+s[r]]);return i.includes(void 0)?null:i}function Vt({centres:o},t,e){let s=o.map((r,a)=>r[Ut(r,t[a])]),[i,n]=e;return o[i].flatMap(r=>o[n].
map(a=>{let h=[...s];return[h[i],h[n]]=[r,a],h}))}function p(o,t={},...e){let s=document.createElement(o);for(let[i,n]of Object.entries(t))n==null||n===!1||(i.startsWith("on")?s.addEventListener(i.slice(2),n):i===
"text"?s.textContent=n:i==="value"?s.value=n:s.setAttribute(i,n===!0?"":n));return s.append(...e.filter(i=>i!=null)),s}var Ke={peak:"M12 3v4M12 17v4M3 12h4M17 1\
2h4M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",play:"M8 5l11 7-11 7z",pause:"M8 5v14M16 5v14",camera:"M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-\
7z",expand:"M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",tune:"M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",eye:"M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3\
 0 1 0 0 6 3 3 0 0 0 0-6z"};function K(o){let t=document.createElementNS("http://www.w3.org/2000/svg","svg"),e=document.createElementNS("http://www.w3.org/2000/\
svg","path");return e.setAttribute("d",Ke[o]),t.setAttribute("viewBox","0 0 24 24"),t.setAttribute("aria-hidden","true"),t.setAttribute("class","icon"),t.append(
e),t}function R(o,t,e){let s=Math.min(globalThis.devicePixelRatio||1,3),i=Math.max(1,Math.round(t*s)),n=Math.max(1,Math.round(e*s));(o.width!==i||o.height!==n)&&
(o.width=i,o.height=n,o.style.width=`${t}px`,o.style.height=`${e}px`);let r=o.getContext("2d");return r.setTransform(i/t,0,0,n/e,0,0),r}var q=class{constructor(t){this.viewer=t,this.lost=!1}get element(){return this.viewer.root.getRootNode().activeElement}isIn(t){return t.contains(this.element)}toPlane(){
let{active:t,activeView:e,settings:s,shownPlanes:i,views:n}=this.viewer,r=n.includes(e)?e:n[0],a=i.find(({axis:h})=>h===t)??i[0];(s.view==="mosaic"?r.mosaic:r.panes[a.
axis]).canvas.focus({preventScroll:!0})}whileReplacing(t){this.lost||=this.isIn(this.viewer.stage),t()}whilePlacing(t){let{element:e}=this,s=this.isIn(this.viewer.
stage);return t()?(s&&e.isConnected?e.focus({preventScroll:!0}):(s||this.lost)&&this.toPlane(),this.lost=!1,!0):!1}};var x=(o,t,e)=>Math.min(e,Math.max(t,o)),qe="⁰¹²³⁴⁵⁶⁷⁸⁹";function Ye(o){return String(o).replace("-","⁻").replace(/\d/g,t=>qe[t])}function y(o,t=3){
if(!Number.isFinite(o))return"no value";if(o===0)return"0";let[e,s]=o.toExponential(t-1).split("e"),i=Number(s);return(i<-3||i>=6?`${e}×10${Ye(i)}`:o.toFixed(x(
t-1-i,0,8))).replace("-","−")}function Tt(o){return String(o).replace(/\B(?=(\d{3})+(?!\d))/g," ")}function z(o){let t=Math.round(o*10)/10;return(Object.is(t,
-0)?"0":String(t)).replace("-","−")}var k=[{axis:0,name:"Sagittal",coordinate:"x",horizontal:1,vertical:2},{axis:1,name:"Coronal",coordinate:"y",horizontal:0,vertical:2},{axis:2,name:"Axial",coordinate:"\
z",horizontal:0,vertical:1}],B=[["L","R"],["P","A"],["I","S"]],Ft={radiological:"Radiological: patient left on screen right",neurological:"Neurological: patient\
 left on screen left"};function zt(o,[t,e,s]){return[0,1,2].map(i=>o[i][0]*t+o[i][1]*e+o[i][2]*s+o[i][3])}function Ht(o,t,e){let[s,i]=[0,1,2].filter(a=>a!==t),[
n,r]=[0,1,2].filter(a=>a!==e);return(o[s][n]*o[i][r]-o[s][r]*o[i][n])*((t+e)%2?-1:1)}function Wt(o){return[0,1,2].reduce((t,e)=>t+o[0][e]*Ht(o,0,e),0)}function Ze(o){
let t=Wt(o);return[0,1,2].map(e=>{let s=[0,1,2].map(i=>Ht(o,i,e)/t);return[...s,-s.reduce((i,n,r)=>i+n*o[r][3],0)]})}var N=class{constructor(t){this.shape=t.shape,
this.affine=t.affine,this.inverse=Ze(t.affine),this.toFile=t.toVoxel,this.strides=[1,t.shape[0],t.shape[0]*t.shape[1]],this.zooms=[0,1,2].map(e=>Math.hypot(...[
0,1,2].map(s=>t.affine[s][e]))),this.voxelVolume=Math.abs(Wt(t.affine))}get center(){return this.shape.map(t=>t>>1)}index([t,e,s]){return t+this.strides[1]*e+this.
strides[2]*s}voxelAt(t){return[t%this.shape[0],Math.floor(t/this.strides[1])%this.shape[1],Math.floor(t/this.strides[2])]}inside(t){return t.map((e,s)=>x(Math.round(
e),0,this.shape[s]-1))}mm(t){return zt(this.affine,t)}toVoxel(t){return zt(this.inverse,t)}fromMm(t){return this.inside(this.toVoxel(t))}shares(t){return t.map(
(e,s)=>(e+.5)/this.shape[s])}fromShares(t){return t.map((e,s)=>e*this.shape[s]-.5)}fileVoxel(t){return zt(this.toFile,this.mm(t)).map(Math.round)}extent(t){return[
t.horizontal,t.vertical].map(e=>this.shape[e]*this.zooms[e])}},C=(o,t)=>o===0&&t==="radiological";function Y(o,t){let[e,s]=B[o.horizontal],[i,n]=B[o.vertical];return C(
o.horizontal,t)?{left:s,right:e,top:n,bottom:i}:{left:e,right:s,top:n,bottom:i}}var Z=class{constructor(){this.status=p("div",{class:"status",role:"status","data-text":!0}),this.convention=p("span",{class:"convention","data-text":!0}),this.
contours=p("span",{class:"contours"}),this.shown=p("span",{class:"shown","data-text":!0}),this.words=p("div",{class:"note",hidden:!0,"data-text":!0}),this.why=p(
"div",{class:"why",role:"status",hidden:!0,"data-text":!0});let t=p("div",{class:"notes"},this.convention,this.contours,this.shown);this.element=p("div",{class:"\
footer"},this.why,this.words,this.status,t)}note({note:t,dimmed:e}){this.words.textContent=t,this.words.hidden=!t,this.why.textContent=e,this.why.hidden=!e,this.
element.parentElement.classList.toggle("dimmed",!!e)}describePlace(t){let{areas:e,cursor:s,space:i,spec:n,views:r}=t,a=i.index(s),h=[`${n.space} (${i.mm(s).map(
z).join(", ")}) mm`,`voxel (${i.fileVoxel(s).join(", ")})`,`${n.scanLabel} ${y(r[0].scan.value(a))}`];for(let u of r){if(!u.map)continue;let d=y(u.map.value(a),
4);r.length===1&&h.push(`${n.valueLabel} ${d}`),u.reading.textContent=r.length===1?"":d}e&&h.push(e.at(a));let l=t.contours.filter(u=>u.codes[a]).map(u=>`inside\
: ${u.name}`);this.status.textContent=[...h,...l].join(" · ")}describeSettings({settings:t,contours:e}){this.convention.textContent=Ft[t.convention],this.contours.
replaceChildren(...(t.contours?e:[]).flatMap(({name:s,color:i})=>[p("span",{class:"swatch",style:`color: ${i}`,text:"━━","data-text":!0}),p("span",{text:s,"\
data-text":!0})]))}describeShown({views:t,space:e}){let s=t.find(h=>h.measured);if(!s||t.length>1){this.shown.textContent="";return}let{voxels:i,clusters:n}=s.measured,
r=s.map.signed?"|value|":"value",a=s.threshold>0?`${r} ≥ ${y(s.threshold)}: `:"";this.shown.textContent=`Shown: ${a}${Tt(i)} voxels (${y(i*e.voxelVolume/1e3)}\
 cm³) in ${Tt(n)} ${n===1?"cluster":"clusters"}`}};var Kt={planes:"all",overlay:!0,smooth:!0,fade:!0,crosshair:!0,patch:!0,black:0,white:1,signedScale:"blue-red",unsignedScale:"orange-red",top:null,zoom:null,contours:!0},
qt=["view","layout","convention","threshold","threshold_mode","cluster","opacity","outlines","share_range",...Object.keys(Kt)],Yt={layout:["view","layout","plan\
es","convention","share_range","top"],measure:["threshold","threshold_mode","cluster"],color:["threshold","threshold_mode","opacity","fade","signedScale","unsig\
nedScale","share_range","top"],window:["black","white"]},Gt=.02,I=Object.keys(Yt);function $(o,t={}){return{...Kt,...o,...t}}function Zt(o){return I.filter(t=>Yt[t].
some(e=>e in o))}function Xt(o){return Object.fromEntries(qt.map(t=>[t,o[t]]))}function Jt(o,t){let[e,s]=[$(o),$(t)],i=qt.filter(n=>JSON.stringify(e[n])!==JSON.
stringify(s[n]));return Object.fromEntries(i.map(n=>[n,s[n]]))}function Qt(o,{black:t,white:e}){return"black"in o?{...o,white:Math.max(o.white??e,o.black+Gt)}:"\
white"in o?{...o,black:Math.min(t,o.white-Gt)}:o}function te(o){return o.threshold??(o.threshold_mode==="percentile"?90:0)}var se=3,oe=38,ie=14,Xe=800,Je=12,ee=37,Qe=46,ts=106,es=oe+2,ss=49;function ne(o,t){let e=os(t,o.root.clientWidth);o.stage.style.marginTop=`${ee}px`,o.stage.style.
minHeight=`${e}px`,o.root.style.minHeight=`${ee+e+ss}px`}function os(o,t){let e=$(o.settings),s=Ct(e).map(c=>new N(o).extent(c)),[i,n]=[s.map(([c])=>c),s.map(([
,c])=>c)],r=Math.max(1,o.layers.length),a=ce(r,e),h=he(o,...re(s.length,a,r)),l=o.layers.length?es:0;if(a){let c=Math.floor((t-ie*(r-1))/r),f=Math.min(c/Math.max(
...i),h/Math.max(...n));return ts+n.reduce((m,g)=>m+Math.round(g*f)+l,0)}let u=i.reduce((c,f)=>c+f,0),d=Math.min(h,(t-se*(s.length-1))/u*Math.max(...n));return r*
(Qe+Math.round(d)+l)+Je*(r-1)}function Ct(o){return o.planes==="all"?k:k.filter(t=>t.name===o.planes)}function re(o,t,e){let s=o===1;return[s?.72:t||e===1?.58:.38,
s?1e3:640]}function ae(o){return o.stage.style.minHeight=`${o.stage.offsetHeight}px`,o}function is({root:o,stage:t}){o.style.minHeight="",t.style.minHeight="",t.
style.marginTop=""}function he(o,t,e,s=globalThis.innerHeight||900){return o.height?o.height+Math.max(0,s-Xe)/2:x(s*t,280,e)}function ns(o,t){return Math.max(120,
((globalThis.innerHeight||900)-200)/o-56*t)}function le(o){let{views:t,settings:e,stage:s,spec:i}=o,n=s.clientWidth;if(!n||!t.length)return!1;let r=ce(t.length,
e);s.classList.toggle("columns",r);let a=r?Math.floor((n-ie*(t.length-1))/t.length):n,h=o.type>1?ns(r?1:t.length,o.type):he(i,...re(o.shownPlanes.length,r,t.length));
for(let l of t){if(l.element.style.width=r?`${a}px`:"",l.head.classList.toggle("stacked",r||a<620),l.bar?.resize(r?a:Math.min(300*o.type,a*.4)),e.view==="mosaic"){
l.planes.replaceChildren(l.mosaic.canvas),l.mosaic.resize(a);continue}as(o,l,a,h,r)}return rs(t,r),is(o),!0}function rs(o,t){for(let s of o)s.head.style.minHeight=
"";if(!t)return;let e=Math.max(...o.map(s=>s.head.offsetHeight));for(let s of o)s.head.style.minHeight=`${e}px`}function ce(o,t){return o<2||t.view==="mosaic"?!1:
t.layout==="auto"?o>2:t.layout==="columns"}function as(o,t,e,s,i){let n=o.shownPlanes,r=n.map(f=>o.space.extent(f)),a=r.map(([f])=>f),h=r.map(([,f])=>f),l=a.reduce(
(f,m)=>f+m,0),u=e-se*(n.length-1),d=Math.round(Math.min(s,u/l*Math.max(...h))),c=Math.min(e/Math.max(...a),s/Math.max(...h));t.planes.classList.toggle("stacked",
i),t.planes.replaceChildren(...n.map((f,m)=>{let g=i?e:Math.floor(u*a[m]/l),S=i?Math.round(h[m]*c):d;return t.panes[f.axis].resize(g,S),t.profiles[f.axis]?.resize(
g,oe),p("div",{class:"cell"},t.panes[f.axis].canvas,t.profiles[f.axis]?.canvas)}))}var pe=`(()=>{function U(o,m,c,A,g){let[i,u,h]=m,f=i*u,n=new Uint8Array(o.length);for(let t=0;t<o.length;t+=1){let e=o[t];n[t]=e===65535?0:e>=A?1:e<=c?2:0}let r\
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
`;var X=class{constructor(t){this.answer=t,this.newest=new Map,this.loaded=new Set,this.job=0,this.url=URL.createObjectURL(new Blob([pe],{type:"text/javascript"})),
this.worker=new Worker(this.url),this.worker.onmessage=({data:e})=>{this.busy=!1,this.newest.get(e.id)?.job===e.job&&this.answer(e.id,e),this.next()},this.waiting=
new Map,this.busy=!1}load(t,e,s,i){this.loaded.has(t)||(this.loaded.add(t),this.worker.postMessage({id:t,codes:e,shape:s,zero:i}))}keepOnly(t){for(let e of this.
loaded)t.has(e)||(this.loaded.delete(e),this.worker.postMessage({drop:e}))}ask(t,e,s,i){let n={id:t,job:this.job+=1,low:e,high:s,least:i};this.newest.set(t,n),this.
waiting.set(t,n),this.busy||this.next()}next(){let[t,e]=this.waiting.entries().next().value??[];if(e){if(this.waiting.delete(t),!this.loaded.has(t)){this.next();
return}this.busy=!0,this.worker.postMessage(e)}}get idle(){return!this.busy&&this.waiting.size===0}close(){this.worker.terminate(),URL.revokeObjectURL(this.url)}};var ue=new Map,Rt=new Map;function de(o){Rt.set(o.spec.key,o)}function fe(o,t){let e=ls(o);return e?(Object.assign(e.settings,o.settings),e.cursor=e.space.inside(
o.cursor),e.waiting=o.waiting,e.viewport.follow(e.cursor,[]),e.ask(...I),e.report(t),!0):!1}function ls(o){let t=Rt.get(o.spec.key);return t!==o&&t&&!t.closed&&
t.begin===o.begin?t:null}function _(o){let{spec:t,settings:e,given:s,begin:i,cursor:n,move:r,waiting:a,reporter:h}=o;Rt.get(t.key)===o&&ue.set(t.key,{settings:e,
given:s,begin:i,cursor:n,move:r,waiting:a,due:h.due})}function me(o,t,e){let s=o?.waiting??!o,i=t.cursor&&o?.move!==t.move?t.cursor:null,n=o&&!s&&o.move===t.move?
o.cursor:null;return{asked:i,kept:i?null:n??null,waiting:s&&!i&&!e}}function J(o){return ue.get(o)}var D=class{constructor(t,e){this.space=t,this.codes=e,this.paths=new Map}path(t,e,s,i){let n=`${t.axis}/${e}/${s}/${i}`;return this.paths.has(n)||(this.paths.size>
240&&this.paths.delete(this.paths.keys().next().value),this.paths.set(n,this.trace(t,e,s,i))),this.paths.get(n)}trace(t,e,s,i){let{space:n,codes:r}=this,a=n.shape[t.
horizontal],h=n.shape[t.vertical],l=e*n.strides[t.axis],u=(c,f)=>{if(c<0||f<0||c>=a||f>=h)return 0;let m=s?a-1-c:c,g=r[l+m*n.strides[t.horizontal]+(h-1-f)*n.strides[t.
vertical]];return i&&g!==i?0:g},d=new Path2D;for(let c=0;c<=h;c+=1)for(let f=0,m=-1;f<=a;f+=1){let g=f<a&&u(f,c)!==u(f,c-1);g&&m<0&&(m=f),!g&&m>=0&&(d.moveTo(m,
c),d.lineTo(f,c),m=-1)}for(let c=0;c<=a;c+=1)for(let f=0,m=-1;f<=h;f+=1){let g=f<h&&u(c,f)!==u(c-1,f);g&&m<0&&(m=f),!g&&m>=0&&(d.moveTo(c,m),d.lineTo(c,f),m=-1)}
return d}};function cs(o,t,e,s,i,n){let r=t.width/e.space.shape[s.horizontal],a=t.height/e.space.shape[s.vertical];o.save(),o.translate(t.x,t.y),o.scale(r,a);for(let[
h,l]of n)o.strokeStyle=h,o.lineWidth=l/r,o.stroke(i);o.restore()}function Q(o,t,e,{plane:s,slice:i,flip:n}){let{settings:r,outlines:a,contours:h}=o,l=(d,c,f)=>cs(
t,e,d,s,d.path(s,i,n,c),f);a&&r.outlines==="all"&&l(a,0,[["rgba(0, 0, 0, 0.55)",1.8],["rgba(255, 255, 255, 0.75)",.7]]);let u=a&&r.outlines!=="off"?a.codes[o.space.
index(o.cursor)]:0;if(u&&l(a,u,[["rgba(0, 0, 0, 0.8)",3.2],["#ffffff",1.5]]),!!r.contours)for(let d of h)l(d.outlines,0,[["rgba(0, 0, 0, 0.8)",3.6],[d.color,1.8]])}var tt=class{constructor(t,e){Object.assign(this,{viewer:t,changed:e}),this.timer=null}get playing(){return this.timer!==null}toggle(){this.playing?this.stop():
this.start()}start(){this.timer=setInterval(()=>this.step(),90),this.changed(!0)}stop(){this.playing&&(clearInterval(this.timer),this.timer=null,this.changed(!1))}step(){
let{viewer:t}=this,{active:e,cursor:s,space:i,views:n}=t,[r,a]=n[0].scan.bounds(i)[e],h=[...s];h[e]=h[e]>=a||h[e]<r?r:h[e]+1,t.moveTo(h)}};var ps=Date.now(),et=class{constructor(t){this.what=t,this.send=null,this.timer=null,this.due=!1}ask(t){clearTimeout(this.timer),this.due=!0,this.timer=setTimeout(
()=>{this.due=!1;let e=this.what();e&&this.send({...e,click:ps+=1})},t)}close(){clearTimeout(this.timer)}};function ge(o){let t=o.stage.getBoundingClientRect(),e=globalThis.innerHeight,s=Math.min(t.bottom,e)-Math.max(t.top,0),i=globalThis.matchMedia?.("(prefers-reduc\
ed-motion: reduce)").matches;s<.6*Math.min(t.height,e)&&o.stage.scrollIntoView({block:t.height>e?"start":"nearest",behavior:i?"auto":"smooth"});for(let n of o.stage.
querySelectorAll(".pane"))n.animate([{boxShadow:"0 0 0 4px #56b4e9"},{boxShadow:"0 0 0 4px transparent"}],{duration:900})}function $t(o){let t=getComputedStyle(o),e=(s,i)=>t.getPropertyValue(s).trim()||i;return{font:t.fontFamily,type:Number(t.getPropertyValue("--viewer-type"))||1,colors:{
text:e("--st-text-color","#222"),border:e("--st-border-color","#999"),background:e("--st-background-color","#fff"),faint:e("--faint","#888"),positive:"#e2622b",
negative:"#3f8fe8"}}}var st={play:"Play through the slices of the plane last used (space)",peak:"Go to the strongest relevance of the map last used (p)",picture:"Save what is shown \
as PNG",planes:"Planes shown (double-click a plane to enlarge it)",convention:"On which side of the screen the patient’s left lies",threshold_mode:"Percentile\
 of the magnitudes other than 0, each map its own; or one value for all maps",overlay:"Show or hide the relevance (o)",black:"Darkest grey of the scan: 0 % is i\
ts 1st, 100 % its 99th percentile",white:"Brightest grey of the scan: 0 % is its 1st, 100 % its 99th percentile",fade:"The weaker the relevance, the more transp\
arent",smooth:"Linear display; off: every voxel as a square",contours:"Outlines that the page draws on every map",keys:"Keys and mouse (?)"};function U(o){return o.
getRootNode().activeElement===o}function we(o,t){t.hidden=!t.hidden,o.setAttribute("aria-expanded",String(!t.hidden))}var ot=class{constructor(t){this.viewer=t,
this.syncs=[]}sync(){for(let t of this.syncs)t(this.viewer.settings)}button({label:t,text:e,image:s,press:i,name:n,expands:r=!1}){let a=[s?K(s):null,e?p("span",
{class:s?"roomy":null,text:e}):null];return p("button",{type:"button",class:"tool","aria-label":t,title:st[n]??t,"data-tool":n,onclick:i,"aria-expanded":r?"fals\
e":null},...a)}toggle({text:t,setting:e}){let s=p("input",{type:"checkbox","data-setting":e,onchange:()=>this.viewer.set({[e]:s.checked})});return this.syncs.push(
i=>{s.checked=i[e]}),p("label",{class:"field check",title:st[e]},s,p("span",{text:t}))}segments({setting:t,options:e,label:s}){let i=e.map(([n,r])=>p("button",{
type:"button",class:"segment",text:r,"data-value":n,onclick:()=>this.viewer.set({[t]:n})}));return this.syncs.push(n=>i.forEach(r=>{r.setAttribute("aria-pressed",
String(r.dataset.value===n[t]))})),p("div",{class:"segments",role:"group","aria-label":s},...i)}select({text:t,setting:e,options:s,label:i}){let n=p("select",{"\
data-setting":e,"aria-label":i??t,title:st[e],onchange:()=>this.viewer.set({[e]:n.value})},...s.map(([r,a])=>p("option",{value:r,text:a})));return this.syncs.push(
r=>{n.value=r[e]}),p("label",{class:"field"},t?p("span",{text:t}):null,n)}slider({text:t,setting:e,low:s,high:i,step:n,show:r}){let a=p("output",{class:"amount \
roomy"}),h=p("input",{type:"range",min:String(s),max:String(i),step:String(n),"data-setting":e,"aria-label":t,title:st[e],oninput:()=>this.viewer.set({[e]:Number(
h.value)})});return this.syncs.push(l=>{h.value=String(l[e]),a.textContent=r(l[e])}),p("label",{class:"field"},p("span",{text:t}),h,a)}};function L(o,t){if(t===8)return o;let e=o.length/2,s=new Uint16Array(e);for(let i=0;i<e;i+=1)s[i]=o[i]|o[e+i]<<8;return s}var it={signed:{"blue-red":{label:"Blue – red",stops:["#1f6fff","#3f93f5","#6fb6ea","#b9d4e3","#d8d8d8","#f2cfa0","#fba94f","#fb6a20","#f02000"]},"blue-black-\
red":{label:"Blue – black – red",stops:["#c4f3ff","#5cb8ff","#2378f0","#1a3fae","#12121c","#9c1616","#e23c1e","#ff8a26","#ffeaa6"]},"blue-white-red":{label:"\
Blue – white – red",stops:["#053061","#2166ac","#4393c3","#92c5de","#f7f7f7","#f4a582","#d6604d","#b2182b","#67001f"]},"purple-orange":{label:"Purple – oran\
ge",stops:["#e6daff","#b193ff","#7b4be0","#4a2a9c","#16141a","#8a4204","#cc6a08","#ffa63c","#ffe6b8"]}},unsigned:{"orange-red":{label:"Orange – red",stops:["#\
f2cfa0","#fba94f","#fb6a20","#f02000"]},inferno:{label:"Inferno",stops:["#160b39","#420a68","#6a176e","#932667","#bc3754","#dd513a","#f37819","#fca50a","#f6d746",
"#fcffa4"]},hot:{label:"Hot",stops:["#4a0000","#a00000","#f01000","#ff7000","#ffc000","#ffff60","#ffffe8"]},viridis:{label:"Viridis",stops:["#440154","#482878",
"#3e4989","#31688e","#26828e","#1f9e89","#35b779","#6ece58","#b5de2b","#fde725"]}}},xe=[118,118,122],us=o=>[1,3,5].map(t=>parseInt(o.slice(t,t+2),16));function Lt(o,t,e="\
both"){let s=it[o][t]??Object.values(it[o])[0],i=(s.stops.length-1)/2,r={both:s.stops,negative:s.stops.slice(0,i+1),positive:s.stops.slice(i)}[e].map(us),a=new Uint8Array(
768);for(let h=0;h<256;h+=1){let l=h/255*(r.length-1),u=Math.min(r.length-2,Math.floor(l));for(let d=0;d<3;d+=1)a[3*h+d]=Math.round(r[u][d]+(l-u)*(r[u+1][d]-r[u][d]))}
return a}function M(o){return Math.max(Math.abs(o[0]),Math.abs(o[1]))}function Nt(o,t){return Math.round(255*x((o-t[0])/(t[1]-t[0]),0,1))}function It(o,t){return Math.
min(1,Math.abs(o)/t)**.6}function be(o,t,e){let{ramp:s,range:i,cuts:n,opacity:r,fade:a}=t,h=M(i)||1;e.fill(0);let l=(u,d)=>{for(let c=Math.max(0,u);c<=Math.min(
d,65534);c+=1){let f=(c-o.zero)*o.scale,m=3*Nt(f,i),g=Math.round(255*r*(a?It(f,h):1));e[c]=(g<<24|s[m+2]<<16|s[m+1]<<8|s[m])>>>0}};return l(0,n.low),l(n.high,65534),
e}function ve(o,t,e){let s=Math.max(1e-6,t-o);for(let i=0;i<256;i+=1){let n=Math.round(255*x((i-o)/s,0,1));e[i]=(255<<24|n<<16|n<<8|n)>>>0}return e}var ye=o=>`${Math.round(100*o)}%`,nt=class{constructor(t,e,s){this.play=e.button({label:"Play",image:"play",name:"play",press:()=>t.player.toggle()}),this.element=
ds(t,e,s,this.play)}showPlaying(t){this.play.replaceChildren(K(t?"pause":"play")),this.play.setAttribute("aria-label",t?"Pause":"Play"),this.play.setAttribute("\
aria-pressed",String(t))}};function ds(o,t,e,s){let i=[["all","all three"],...k.map(v=>[v.name,v.name])],n=[["radiological","Radiological"],["neurological","Neu\
rological"]],r=v=>Object.entries(it[v]).map(([E,A])=>[E,A.label]),a=p("input",{type:"number",min:"0",step:"any",class:"number",placeholder:"auto","data-setting":"\
top","aria-label":"Top of the colour scale",title:"Value at the end of the colour scale of every map; empty: chosen for you",onchange:()=>o.set({top:Number(a.value)>
0?Number(a.value):null})}),h=t.select({text:"Colours",setting:"signedScale",options:r("signed")}),l=t.select({text:"Colours",setting:"unsignedScale",options:r("\
unsigned")}),u=t.toggle({text:"One colour scale for all maps",setting:"share_range"}),d=[["auto","automatic"],["rows","rows"],["columns","columns"]],c=t.select(
{text:"Maps in",setting:"layout",options:d}),f=t.toggle({text:"",setting:"contours"}),m=t.toggle({text:"Occlusion window",setting:"patch"});t.syncs.push(v=>{let E=o.
views.filter(A=>A.map).map(A=>A.map.signed);h.hidden=!E.includes(!0),l.hidden=!E.includes(!1),c.hidden=o.views.length<2,u.hidden=c.hidden||o.spec.scaleFixed,m.hidden=
!o.spec.patch,f.hidden=!o.contours.length,f.lastChild.textContent=o.contours.map(A=>A.name).join(", "),a.value=v.top===null?"":String(v.top)});let g=(v,...E)=>p(
"section",{},p("h4",{text:v}),p("div",{class:"fields"},...E)),S=g("Relevance",e,h,l,p("label",{class:"field"},p("span",{text:"Scale ends at"}),a),u,t.toggle({text:"\
Fade weak relevance",setting:"fade"}));return t.syncs.push(()=>{S.hidden=o.views.every(v=>!v.map)}),p("div",{class:"panel settings",hidden:!0,role:"group","aria\
-label":"Display settings"},S,g("Scan",t.slider({text:"Black",setting:"black",low:-.5,high:.9,step:.01,show:ye}),t.slider({text:"White",setting:"white",low:.1,high:1.25,
step:.01,show:ye}),t.toggle({text:"Smooth",setting:"smooth"})),g("Planes",t.select({text:"Shown",setting:"planes",label:"Planes shown",options:i}),t.select({text:"\
Sides",setting:"convention",label:"Left and right",options:n}),c,s,t.toggle({text:"Crosshair",setting:"crosshair"}),m,f),t.button({label:"Reset settings",text:"\
Reset",name:"reset",press:()=>o.reset()}))}function ke({viewer:o},t,e,s){o.step(t,s.shiftKey?10*e:e)}function fs(o,t){let{horizontal:e,vertical:s}=o.plane,i=o.flip?-1:1,n={ArrowLeft:[e,-i],ArrowRight:[e,
i],ArrowUp:[s,1],ArrowDown:[s,-1]};ke(o,...n[t.key],t)}var jt=[{keys:["ArrowLeft","ArrowRight","ArrowUp","ArrowDown"],shown:"Arrows",words:"move the crosshair",
act:fs},{keys:["PageUp","PageDown"],shown:"Page Up, Page Down",words:"change the slice; these and the arrows with Shift by 10",act:(o,t)=>ke(o,o.plane.axis,t.key===
"PageUp"?1:-1,t)},{keys:["Home","End"],shown:"Home, End",words:"first and last slice",act:({viewer:o,plane:t},e)=>o.step(t.axis,e.key==="End"?1e6:-1e6)},{keys:[
" "],shown:"Space",words:"play through the slices, or stop",act:({viewer:o})=>o.player.toggle()},{keys:["p"],shown:"P",words:"go to the peak",act:({viewer:o})=>o.
toPeak()},{keys:["o"],shown:"O",words:"hide or show the relevance",act:({viewer:o})=>o.set({overlay:!o.settings.overlay})},{keys:["+","=","-"],shown:"+ −",words:"\
zoom at the crosshair",act:({viewer:o},t)=>o.viewport.zoomBy(t.key==="-"?1/1.25:1.25)},{keys:["0"],shown:"0",words:"whole planes again",act:({viewer:o})=>o.viewport.
zoomOut()},{keys:["t"],shown:"T",words:"go to the controls; Escape goes back",act:({viewer:o})=>o.toolbar.focus()},{keys:["Enter"],shown:"Enter",words:"update t\
he rest of the page at once",act:({viewer:o})=>o.report()},{keys:["?"],shown:"?",words:"show or hide this list",act:({viewer:o})=>o.toolbar.toggleKeys()}],Se=[{
shown:"Click, drag",words:"move the crosshair"},{shown:"Wheel",words:"change the slice, once a plane was clicked; before, it scrolls the page"},{shown:"Ctrl + w\
heel, pinch",words:"zoom at the pointer"},{shown:"Shift + drag",words:"move a plane that is zoomed"},{shown:"Right button, drag",words:"brightness (up, down) an\
d contrast (left, right)"},{shown:"Double click",words:"one plane, large; again: all three"}];function rt(o,t){if(t.ctrlKey||t.metaKey||t.altKey)return!1;let e=t.
key.length===1?t.key.toLowerCase():t.key,s=jt.find(({keys:i})=>i.includes(e));return s?(s.act(o,t),!0):!1}function Me(o,t){let e=t.map(({shown:s,words:i})=>p("div",{},p("dt",{text:s}),p("dd",{text:i})));return p("section",{},p("h4",{text:o}),p("dl",{},...e))}function Ae(){
return p("div",{class:"panel keys",hidden:!0,role:"group","aria-label":"Keys and mouse"},Me("Keys in a plane",jt),Me("Mouse",Se))}var at=12,ms=15,Oe=21;function Ee(o,t,e){let s=[];for(let i of t.split(" ")){let n=s.length?`${s.at(-1)} ${i}`:i;s.length&&o.measureText(n).width<=e?s[s.length-
1]=n:s.push(i)}return s}function gs(o,t,e){let s=t.textContent.trim();if(!s||t.offsetParent===null)return;let i=getComputedStyle(t),n=document.createRange();n.selectNodeContents(
t);let r=parseFloat(i.fontSize);o.font=`${i.fontWeight} ${r}px ${i.fontFamily}`,o.fillStyle=i.color,o.textAlign="left",o.textBaseline="top";let a=n.getBoundingClientRect(),
h=t.getBoundingClientRect().width+2;Ee(o,s,h).forEach((l,u)=>{o.fillText(l,a.left-e.left,a.top-e.top+2+u*r*1.35)})}function Pe(o){return`600 ${ms}px ${o.font}`}
function ws(o,t,e){return o.font=Pe(t),t.spec.caption?Ee(o,t.spec.caption,e):[]}function xs(o){let t=o.stage.getBoundingClientRect(),e=o.footer.element.getBoundingClientRect(),
s=Math.max(2,globalThis.devicePixelRatio||1),i=document.createElement("canvas"),n=ws(i.getContext("2d"),o,t.width),r=n.length?n.length*Oe+4:0,[a,h]=[t.width+2*at,
e.bottom-t.top+2*at+r];i.width=Math.round(a*s),i.height=Math.round(h*s);let l=i.getContext("2d");l.scale(s,s),l.fillStyle=o.colors.background,l.fillRect(0,0,a,h),
l.translate(at,at),l.font=Pe(o),l.fillStyle=o.colors.text,l.textBaseline="top",n.forEach((u,d)=>l.fillText(u,0,d*Oe)),l.translate(0,r);for(let u of o.stage.querySelectorAll(
"canvas")){let d=u.getBoundingClientRect();d.width&&l.drawImage(u,d.left-t.left,d.top-t.top,d.width,d.height)}for(let u of o.root.querySelectorAll("[data-text]"))
gs(l,u,t);return i}function Te(o){o.draw(),xs(o).toBlob(t=>{let e=URL.createObjectURL(t),s=o.space.mm(o.cursor).map(r=>Math.round(r)).join("_"),i=`${o.spec.stem??
o.spec.key}_${o.settings.view}_${s}.png`.replace(/[^\w.-]+/g,"-"),n=p("a",{href:e,download:i});o.root.append(n),n.click(),n.remove(),setTimeout(()=>URL.revokeObjectURL(
e),1e4)},"image/png")}var ze=1.5;function bs(o){document.fullscreenElement?document.exitFullscreen():o.requestFullscreen?.().catch(()=>{})}var ht=class{constructor(t,e,s,i){this.viewer=
t,this.display=e.button({label:"Display settings",image:"tune",text:"Settings",name:"display",press:i.display,expands:!0}),this.keys=e.button({label:"Keys and m\
ouse",text:"?",name:"keys",press:i.keys,expands:!0});let n=e.button({label:"Go to the peak",image:"peak",text:"Peak",name:"peak",press:()=>t.toPeak()}),r=this.zoomButtons();
e.syncs.push(a=>{n.hidden=t.views.every(h=>!h.map),r.hidden=a.view==="mosaic"}),this.element=p("div",{class:"bar",role:"group","aria-label":"View and crosshair"},
e.segments({setting:"view",label:"View",options:[["ortho","Planes"],["mosaic","Mosaic"]]}),this.coordinateFields(),n,r,s,p("span",{class:"spring"}),this.display,
e.button({label:"Save picture",image:"camera",name:"picture",press:()=>Te(t)}),e.button({label:"Full screen",image:"expand",name:"expand",press:()=>bs(t.root)}),
this.keys)}coordinateFields(){return this.coordinates=k.map(t=>p("input",{type:"number",class:"coordinate",step:"1","aria-label":`${t.coordinate} in mm`,"data-c\
oordinate":t.coordinate,onchange:()=>this.typed()})),p("div",{class:"field coordinates",role:"group","aria-label":"Crosshair in mm"},...k.flatMap((t,e)=>[p("spa\
n",{text:t.coordinate}),this.coordinates[e]]))}zoomButtons(){let t=(e,s,i)=>p("button",{type:"button",class:"segment",text:e,"aria-label":s,title:s,"data-tool":i>
1?"zoom-in":"zoom-out",onclick:()=>this.viewer.viewport.zoomBy(i)});return p("div",{class:"segments",role:"group","aria-label":"Zoom"},t("−","Zoom out (−)",
1/ze),t("+","Zoom in at the crosshair (+)",ze))}typed(){let t=this.coordinates.map(e=>Number(e.value));t.some(e=>!Number.isFinite(e))||(this.viewer.player.stop(),
this.viewer.moveTo(this.viewer.space.fromMm(t)),this.viewer.report())}showCursor(t){this.coordinates.forEach((e,s)=>{let i=String(Math.round(t[s]*10)/10);!U(e)&&
e.value!==i&&(e.value=i)})}};var lt=class{constructor(t,e){this.viewer=t,this.threshold=p("input",{type:"range",min:"0",max:"1000",step:"1","data-setting":"threshold","aria-label":"Threshol\
d",oninput:()=>t.set({threshold:this.fromSlider(Number(this.threshold.value))})}),this.thresholdNumber=p("input",{type:"number",min:"0",step:"any",class:"number",
"data-setting":"threshold-exact","aria-label":"Threshold, exact",onchange:()=>t.set({threshold:Math.max(0,Number(this.thresholdNumber.value)||0)})});let s=[["pe\
rcentile","percentile"],["value","value"]],i=e.select({setting:"threshold_mode",label:"Threshold by",options:s}),n=p("input",{type:"number",min:"1",step:"1",class:"\
number small","data-setting":"cluster","aria-label":"Smallest cluster in voxels",title:"Hide clusters of fewer voxels; voxels touch by faces",oninput:()=>t.set(
{cluster:Math.max(1,Math.round(Number(n.value)||1))})});e.syncs.push(h=>{let l=t.thresholdSetting;this.threshold.value=String(this.toSlider(l));let u=h.threshold_mode===
"percentile"?Math.round(l*100)/100:Number(l.toPrecision(3));this.amount.textContent=h.threshold_mode==="percentile"?`${u}%`:y(l,2),U(this.thresholdNumber)||(this.
thresholdNumber.value=String(u)),U(n)||(n.value=String(h.cluster))});let r=[["off","off"],["area","this area"],["all","all areas"]],a=e.select({text:"Outlines",
setting:"outlines",options:r});this.amount=p("output",{class:"amount"}),this.element=p("div",{class:"field relevance",role:"group","aria-label":"Relevance"},e.toggle(
{text:"Overlay",setting:"overlay"}),p("label",{class:"field"},p("span",{text:"Threshold"}),this.threshold,this.amount)),this.more=p("div",{class:"fields"},p("di\
v",{class:"field"},p("span",{text:"Threshold"}),this.thresholdNumber,i),p("label",{class:"field"},p("span",{text:"Cluster ≥"}),n,p("span",{text:"voxels"})),e.
slider({text:"Opacity",setting:"opacity",low:0,high:1,step:.01,show:h=>`${Math.round(100*h)}%`}),a),e.syncs.push(()=>{this.element.hidden=t.views.every(h=>!h.map),
this.more.hidden=this.element.hidden,a.hidden=!t.areas})}get thresholdTop(){return this.viewer.settings.threshold_mode==="percentile"?100:Math.max(...this.viewer.
views.map(t=>M(t.range??[0,0])),1e-12)}toSlider(t){return Math.round(1e3*t/this.thresholdTop)}fromSlider(t){return t/1e3*this.thresholdTop}};var ct=class{constructor(t){this.controls=new ot(t);let e=new lt(t,this.controls);this.display=new nt(t,this.controls,e.more),this.keys=Ae(),this.navigation=new ht(
t,this.controls,e.element,{display:()=>this.show(this.display.element),keys:()=>this.toggleKeys()}),this.element=p("div",{class:"toolbar",role:"group","aria-lab\
el":"Viewer controls",onkeydown:s=>{s.key==="Escape"&&this.leave(t)}},this.navigation.element,this.display.element,this.keys)}sync(){this.controls.sync()}showCursor(t){
this.navigation.showCursor(t)}showPlaying(t){this.display.showPlaying(t)}show(t){let{display:e,keys:s}=this.navigation;for(let[i,n]of[[e,this.display.element],[
s,this.keys]])(n===t||!n.hidden)&&we(i,n)}toggleKeys(){this.show(this.keys)}leave(t){for(let e of[this.display.element,this.keys])e.hidden||this.show(e);t.focus.
toPlane()}focus(){this.element.querySelector("button").focus()}};var vs=6,pt=class{constructor(t){this.view=t,this.canvas=p("canvas",{class:"colorbar",role:"img"});let[e,s]=t.ends??["",""],i=[t.part==="positive"?"":e,t.part===
"negative"?"":s];this.ends=t.ends&&p("div",{class:"ends"},...i.map(n=>p("span",{text:n,"data-text":!0}))),this.element=p("div",{class:"scale"},this.canvas,this.
ends)}resize(t){this.width=t,this.height=30*this.view.viewer.type,this.element.style.width=`${t}px`,this.context=R(this.canvas,t,this.height)}get ticks(){let{range:t,
threshold:e,map:s}=this.view,i=e>0&&e<M(t)?[e]:[];if(!s.signed)return[t[0],...i.filter(r=>r>t[0]),t[1]];let n=[...i.map(r=>-r),0,...i].filter(r=>r>t[0]&&r<t[1]);
return[t[0],...n,t[1]]}draw(t,e=this.context,s=0,i=0,n=t.colors){let{view:r,width:a}=this,{range:h,threshold:l,ramp:u,map:d}=r,{type:c}=t,f=22*c,m=a-2*f;e.clearRect(
s,i,a,this.height);let g=d.top>=l*(1-1e-6)?M(h)-vs*(h[1]-h[0])/m:1/0;for(let b=0;b<m;b+=1){let O=h[0]+(b+.5)/m*(h[1]-h[0]),w=d.signed?Math.abs(O):O,T=3*Nt(O,h),
Pt=w<Math.min(l,g)||w===0?0:t.settings.fade?It(O,M(h)):1,[Fe,He,We]=xe.map((Dt,Ge)=>Math.round(Dt+Pt*(u[T+Ge]-Dt)));e.fillStyle=`rgb(${Fe}, ${He}, ${We})`,e.fillRect(
s+f+b,i+2,1.5,10*c)}e.strokeStyle=n.border,e.lineWidth=1,e.strokeRect(s+f-.5,i+1.5,m+1,10*c+1),e.font=`${12*c}px ${t.font}`,e.textBaseline="top",e.fillStyle=n.text;
let S=b=>s+f+(b-h[0])/(h[1]-h[0])*m,v=[],E=[...this.ticks].sort((b,O)=>this.rank(b)-this.rank(O));for(let b of E){let O=this.label(b),w=e.measureText(O).width/2+
3,T=x(S(b),s+w-3,s+a-w+3);v.some(([W,Pt])=>T+w>W&&T-w<Pt)||(v.push([T-w,T+w]),e.textAlign="center",e.fillText(O,T,i+10*c+5),e.fillRect(Math.round(S(b))-.5,i+10*
c+2,1,3))}let A=[r.unit,this.ends?.textContent].filter(Boolean).map(b=>`, ${b}`).join("");this.canvas.setAttribute("aria-label",`Colour scale from ${y(h[0])} to\
 ${y(h[1])}${A}; grey below ${y(l)}`)}rank(t){let{range:e}=this.view;return t===e[0]||t===e[1]?0:t===0?1:2}label(t){let{range:e,map:s}=this.view,i=s.top>1.001*M(
e);return i&&t===e[1]&&t>0?`≥ ${y(t,2)}`:i&&s.signed&&t===e[0]&&t<0?`≤ ${y(t,2)}`:y(t,2)}};var j=class{constructor(t,e){this.space=t,this.plane=e,this.columns=t.shape[e.horizontal],this.rows=t.shape[e.vertical],[this.scan,this.overlay]=[0,1].map(()=>{
let s=document.createElement("canvas");s.width=this.columns,s.height=this.rows;let i=s.getContext("2d"),n=i.createImageData(this.columns,this.rows);return{canvas:s,
context:i,image:n,pixels:new Uint32Array(n.data.buffer)}})}walk(t,e){let{space:s,plane:i}=this,n=s.strides[i.horizontal],r=s.strides[i.vertical];return{start:t*
s.strides[i.axis]+(this.rows-1)*r+(e?(this.columns-1)*n:0),right:e?-n:n,down:-r}}fill(t,e,s,i,{start:n,right:r,down:a}){let{pixels:h}=t;for(let l=0,u=0;l<this.rows;l+=
1)for(let d=0,c=n+l*a;d<this.columns;d+=1,u+=1,c+=r)h[u]=i!==null&&i[c]===0?0:s[e[c]];t.context.putImageData(t.image,0,0)}draw(t,e,{scan:s,map:i,table:n,mask:r,
slice:a,flip:h,smooth:l}){let u=this.walk(a,h);t.imageSmoothingEnabled=l,t.imageSmoothingQuality="medium",this.fill(this.scan,s.codes,s.table,null,u),t.drawImage(
this.scan.canvas,e.x,e.y,e.width,e.height),i&&(this.fill(this.overlay,i.codes,n,r,u),t.drawImage(this.overlay.canvas,e.x,e.y,e.width,e.height))}};var ut="#7ee8c2";function P(o,t,e,s,i,n,r="#f2f2f2"){o.textAlign=i,o.textBaseline=n,o.lineJoin="round",o.lineWidth=3,o.strokeStyle="rgba(0, 0, 0, 0.85)",o.strokeText(
t,e,s),o.fillStyle=r,o.fillText(t,e,s)}var dt=7,ft=class{constructor(t,e){Object.assign(this,{viewer:t,view:e}),this.images=k.map(s=>new j(t.space,s)),this.canvas=p("canvas",{class:"pane mosaic",tabindex:"\
0",role:"application",onfocus:()=>t.activate(t.active,e),onpointerdown:s=>{this.pick(s)&&t.report()},onkeydown:s=>this.key(s)})}get planes(){return this.viewer.
shownPlanes}slices(t){let[e,s]=this.view.scan.bounds(this.viewer.space)[t];return Array.from({length:dt},(i,n)=>Math.round(e+(n+1)*(s-e)/(dt+1)))}resize(t){this.
width=t,this.tiles=[];let e=0;for(let s of this.planes){let[i,n]=this.viewer.space.extent(s),r=C(s.axis,this.viewer.settings.convention),a=t/dt,h=a*n/i;this.slices(
s.axis).forEach((u,d)=>{let c=r?dt-1-d:d;this.tiles.push({plane:s,slice:u,x:c*a,y:e,width:a,height:h})}),e+=h}this.height=e,this.context=R(this.canvas,t,e)}draw(){
let{viewer:t,view:e,context:s}=this,{settings:i,cursor:n}=t;s.fillStyle="#000",s.fillRect(0,0,this.width,this.height);let r=i.overlay?e.map:null;for(let a of this.
tiles){let{plane:h,slice:l}=a,u=C(h.horizontal,i.convention),d={scan:e.scan,map:r,table:e.table,mask:e.mask,slice:l,flip:u,smooth:i.smooth};this.images[h.axis].
draw(s,a,d),Q(t,s,a,{plane:h,slice:l,flip:u});let c=[...n];c[h.axis]=l,s.font=`${a.width<100?10:12}px ${t.font}`;let f=`${h.coordinate} ${z(t.space.mm(c)[h.axis])}`;
P(s,f,a.x+6,a.y+5,"left","top","#c3c8d0")}this.planes.forEach(a=>this.drawLetters(a)),this.drawNearest(),this.canvas.setAttribute("aria-label",`${e.name}: seven\
 slices along each axis`)}drawLetters(t){let{context:e,viewer:s}=this,i=Y(t,s.settings.convention),r=this.tiles.filter(a=>a.plane===t).find(a=>a.x===0);e.font=`\
600 ${r.width<100?12:14}px ${s.font}`,P(e,i.left,5,r.y+r.height/2,"left","middle"),P(e,i.right,this.width-5,r.y+r.height/2,"right","middle")}drawNearest(){let{context:t,
viewer:e}=this;if(e.settings.crosshair){t.strokeStyle=ut,t.lineWidth=1.5;for(let s of this.planes){let i=a=>Math.abs(a.slice-e.cursor[s.axis]),r=this.tiles.filter(
a=>a.plane===s).reduce((a,h)=>i(h)<i(a)?h:a);t.strokeRect(r.x+1,r.y+1,r.width-2,r.height-2)}}}pick(t){if(t.button!==0)return!1;let e=this.canvas.getBoundingClientRect(),
[s,i]=[t.clientX-e.left,t.clientY-e.top],n=this.tiles.find(f=>s>=f.x&&s<f.x+f.width&&i>=f.y&&i<f.y+f.height);if(!n)return!1;let{plane:r,slice:a}=n,{shape:h}=this.
viewer.space,l=Math.floor((s-n.x)/n.width*h[r.horizontal]),u=Math.floor((i-n.y)/n.height*h[r.vertical]),d=[0,0,0];d[r.axis]=a;let c=C(r.horizontal,this.viewer.settings.
convention);return d[r.horizontal]=c?h[r.horizontal]-1-l:l,d[r.vertical]=h[r.vertical]-1-u,this.viewer.moveTo(this.viewer.space.inside(d)),!0}key(t){let e={ArrowLeft:-1,
ArrowRight:1,PageUp:1,PageDown:-1};if(t.key in e)this.viewer.step(this.viewer.active,e[t.key]);else if(!rt({viewer:this.viewer,plane:k[this.viewer.active]},t))return;
t.preventDefault()}};var Ce=40,ys=3,ks=0,Ss=1,Ms=2,mt=class{constructor(t){this.pane=t,this.wheel=0,this.mode=null;let{canvas:e}=t,s=(i,n,r)=>e.addEventListener(i,n,r);s("pointerdow\
n",i=>this.press(i)),s("pointermove",i=>this.drag(i)),s("pointerup",i=>this.release(i)),s("pointercancel",i=>this.release(i)),s("contextmenu",i=>i.preventDefault()),
s("wheel",i=>this.roll(i),{passive:!1}),s("keydown",i=>{rt(t,i)&&i.preventDefault()})}press(t){let{viewer:e,canvas:s}=this.pane,i=t.shiftKey?"pan":"cross";this.
mode={[ks]:i,[Ss]:"pan",[Ms]:"window"}[t.button]??null,this.mode&&(this.mode==="pan"&&t.preventDefault(),s.setPointerCapture(t.pointerId),s.focus({preventScroll:!0}),
this.last=this.first=[t.clientX,t.clientY],this.dragged=!1,e.player.stop(),this.mode==="cross"&&this.cross(t))}drag(t){if(!this.mode)return;let{pane:e}=this,s=[
t.clientX-this.last[0],t.clientY-this.last[1]];this.dragged||=Math.hypot(t.clientX-this.first[0],t.clientY-this.first[1])>ys,this.last=[t.clientX,t.clientY],this.
mode==="cross"?this.cross(t):this.mode==="pan"?e.pan(s):this.dragged&&this.window(s)}cross(t){let{viewer:e,plane:s}=this.pane;e.moveTo(this.pane.locate(t),[s.horizontal,
s.vertical])}window([t,e]){let{viewer:s,width:i}=this.pane,{black:n,white:r}=s.settings,a=x((r-n-t/i)/2,.05,.85),h=x((r+n)/2+e/i,a-.5,1.25-a);s.set({black:h-a,white:h+
a})}release(t){let{mode:e}=this;this.mode=null,e==="cross"&&t.type==="pointerup"&&this.pane.viewer.report()}roll(t){let{pane:e}=this;if(!e.viewer.focus.isIn(e.viewer.
root))return;t.preventDefault();let s=t.deltaMode===1?t.deltaY*Ce:t.deltaY;if(t.ctrlKey){e.viewer.viewport.zoomBy(2**(-s/200),e.sharesAt(t));return}this.wheel+=
s;let i=Math.trunc(this.wheel/Ce);i&&(this.wheel=0,e.viewer.activate(e.plane.axis,e.view),e.viewer.step(e.plane.axis,-Math.sign(i)*Math.min(3,Math.abs(i))))}};var As="rgba(86, 180, 233, 0.9)",Os=5,Es=[[1,0,0],[-1,0,0],[0,1,0],[0,-1,0],[0,0,1],[0,0,-1]];function Bt(o){let{plane:t,viewer:e}=o,{patch:s}=e.spec;return[t.horizontal,
t.vertical].some(n=>{let[r,a]=s.centres[n];return a!==void 0&&Math.abs(a-r)*o.voxelSize(n)<Os})?[]:Vt(s,e.cursor,[t.horizontal,t.vertical]).map(n=>o.place(n))}function Ps(o){
let{context:t}=o;t.fillStyle=As,t.strokeStyle="rgba(0, 0, 0, 0.8)",t.lineWidth=1;for(let[e,s]of Bt(o))t.beginPath(),t.arc(e,s,2.5,0,2*Math.PI),t.fill(),t.stroke()}
function Re(o){let{context:t,viewer:e,view:s,box:i}=o,n=r=>{let a=G(e.spec.patch,e.cursor,r);if(!a)return;let h=m=>o.place(a.map(g=>g[m]-.5)),[[l,u],[d,c]]=[h(0),
h(1)],f=[Math.min(l,d),Math.min(u,c),Math.abs(d-l),Math.abs(c-u)];t.strokeRect(...f),!s.map&&r.every(m=>m===0)&&t.fillRect(...f)};t.save(),t.beginPath(),t.rect(
i.x,i.y,i.width,i.height),t.clip(),s.map||Ps(o),t.fillStyle="rgba(255, 226, 92, 0.16)",t.strokeStyle="rgba(255, 226, 92, 0.5)",t.lineWidth=1,t.setLineDash([3,4]);
for(let r of Es)n(r);t.setLineDash([]),t.strokeStyle="#ffe25c",t.lineWidth=1.5,n([0,0,0]),t.restore()}var _t={factor:1,centre:[.5,.5,.5]},$e=12,Ts=.9;function F(o){let t=x(o.factor,1,$e),e=.5/t;return{factor:t,centre:o.centre.map(s=>x(s,e,1-e))}}function Le(o,t,e){
let s=x(o.factor*t,1,$e);return F({factor:s,centre:o.centre.map((i,n)=>e[n]+(i-e[n])*(o.factor/s))})}function Ne(o,t){return F({...o,centre:o.centre.map((e,s)=>e+
t[s])})}function Ie(o,t){let e=Ts*.5/o.factor;return F({...o,centre:o.centre.map((s,i)=>x(s,t[i]-e,t[i]+e))})}function je({width:o,height:t},e,s,i,n){let r=Math.
min(o/s[0],t/s[1])*i.factor,[a,h]=[s[0]*r,s[1]*r],l=i.centre[e.horizontal];return{x:o/2-(n?1-l:l)*a,y:t/2-(1-i.centre[e.vertical])*h,width:a,height:h}}function Be(o,t,e,s){
let i=e[t.horizontal];return[o.x+(s?1-i:i)*o.width,o.y+(1-e[t.vertical])*o.height]}function _e(o,t,[e,s],i,n){let r=[...n],a=(e-o.x)/o.width;return r[t.horizontal]=
i?1-a:a,r[t.vertical]=1-(s-o.y)/o.height,r}var gt=class{constructor(t,e,s){Object.assign(this,{viewer:t,view:e,plane:s}),this.image=new j(t.space,s),this.canvas=p("canvas",{class:"pane",tabindex:"0",role:"\
application","data-plane":s.name.toLowerCase(),"aria-roledescription":"brain slice",ondblclick:()=>t.set({planes:t.settings.planes==="all"?s.name:"all"}),onfocus:()=>t.
activate(s.axis,e)}),this.input=new mt(this)}get flip(){return C(this.plane.horizontal,this.viewer.settings.convention)}get letters(){return Y(this.plane,this.viewer.
settings.convention)}resize(t,e){Object.assign(this,{width:t,height:e}),this.context=R(this.canvas,t,e)}get box(){let{viewer:t,plane:e}=this;return je(this,e,t.
space.extent(e),t.viewport.zoom,this.flip)}draw(){let{viewer:t,view:e,plane:s,context:i,box:n,flip:r}=this,{settings:a,cursor:h}=t,l=h[s.axis];i.fillStyle="#000",
i.fillRect(0,0,this.width,this.height);let u=a.overlay?e.map:null;this.image.draw(i,n,{scan:e.scan,map:u,table:e.table,mask:e.mask,slice:l,flip:r,smooth:a.smooth}),
Q(t,i,n,{plane:s,slice:l,flip:r}),t.spec.patch&&a.patch&&Re(this),a.crosshair&&this.drawCrosshair(),this.drawLabels();let d=t.space.mm(h)[s.axis];this.canvas.setAttribute(
"aria-label",`${e.name} ${s.name}, ${s.coordinate} = ${z(d)} mm. Arrow keys move the crosshair, Page Up and Page Down change the slice, the question mark lists \
all keys.`)}patchCenters(){return Bt(this)}place(t){return Be(this.box,this.plane,this.viewer.space.shares(t),this.flip)}voxelSize(t){let{shape:e}=this.viewer.space;
return t===this.plane.horizontal?this.box.width/e[t]:this.box.height/e[t]}drawCrosshair(){let{context:t,box:e}=this,[s,i]=this.place(this.viewer.cursor).map(r=>Math.
round(r)+.5),n=7;t.beginPath();for(let[r,a]of[[e.x,s-n],[s+n,e.x+e.width]])a>r&&(t.moveTo(r,i),t.lineTo(a,i));for(let[r,a]of[[e.y,i-n],[i+n,e.y+e.height]])a>r&&
(t.moveTo(s,r),t.lineTo(s,a));t.lineWidth=1,t.globalAlpha=.85,t.strokeStyle=ut,t.stroke(),t.globalAlpha=1}drawLabels(){let{context:t,plane:e,viewer:s,width:i,height:n}=this,
{letters:r}=this,a=i<190;t.font=`600 ${s.type*(a?12:14)}px ${s.font}`;let h=a?4:7;P(t,r.left,h,n/2,"left","middle"),P(t,r.right,i-h,n/2,"right","middle"),P(t,r.
top,i/2,h,"center","top"),P(t,r.bottom,i/2,n-h,"center","bottom"),t.font=`${s.type*(a?11:13)}px ${s.font}`;let l=s.space.mm(s.cursor)[e.axis],{factor:u}=s.viewport.
zoom,d=u>1?`${u.toFixed(1)}×`:"",c=[i>240?e.name:"",d].filter(Boolean).join(" ");c&&P(t,c,h+1,h+1,"left","top","#b9bec7");let f=a?"":" mm";P(t,`${e.coordinate}\
 ${z(l)}${f}`,i-h-1,h+1,"right","top","#b9bec7")}sharesAt(t){let e=this.canvas.getBoundingClientRect(),s=[t.clientX-e.left,t.clientY-e.top];return _e(this.box,this.
plane,s,this.flip,this.viewer.space.shares(this.viewer.cursor))}locate(t){let{space:e}=this.viewer;return e.inside(e.fromShares(this.sharesAt(t)))}pan([t,e]){let{
horizontal:s,vertical:i}=this.plane,n=[0,0,0];n[s]=(this.flip?1:-1)*t/this.box.width,n[i]=e/this.box.height,this.viewer.viewport.panBy(n)}};var wt=class{constructor(t,e,s){Object.assign(this,{viewer:t,view:e,plane:s}),this.canvas=p("canvas",{class:"profile",tabindex:"0",role:"slider","data-plane":s.
name.toLowerCase(),"aria-valuemin":"0","aria-valuemax":String(t.space.shape[s.axis]-1),"aria-label":`${e.name} relevance per ${s.name.toLowerCase()} slice`,title:`\
Sum of the relevance shown, per ${s.name.toLowerCase()} slice. Click or drag to go there.`,onpointerdown:i=>{this.canvas.setPointerCapture(i.pointerId),this.pressed=
!0,t.player.stop(),this.go(i)},onpointermove:i=>this.pressed&&this.go(i),onpointerup:()=>{this.pressed=!1,t.report()},onpointercancel:()=>{this.pressed=!1},onfocus:()=>t.
activate(s.axis,e),onkeydown:i=>this.key(i)})}get flip(){return C(this.plane.axis,this.viewer.settings.convention)}resize(t,e){Object.assign(this,{width:t,height:e}),
this.context=R(this.canvas,t,e)}get inset(){return{left:18,width:this.width-36}}x(t){let e=this.viewer.space.shape[this.plane.axis],{left:s,width:i}=this.inset;
return s+((this.flip?e-1-t:t)+.5)*i/e}go(t){let e=this.viewer.space.shape[this.plane.axis],{left:s,width:i}=this.inset,n=Math.floor((t.clientX-this.canvas.getBoundingClientRect().
left-s)/i*e),r=[...this.viewer.cursor];r[this.plane.axis]=this.flip?e-1-n:n,this.viewer.moveTo(this.viewer.space.inside(r))}key(t){let e=this.flip?-1:1,s={ArrowRight:e,
ArrowLeft:-e,ArrowUp:1,ArrowDown:-1,PageUp:10,PageDown:-10,Home:-1e6,End:1e6};t.key in s&&(t.preventDefault(),this.viewer.step(this.plane.axis,s[t.key]))}draw(){
let{context:t,plane:e,viewer:s,view:i,width:n,height:r}=this,a=s.cursor[e.axis],h=s.colors;t.clearRect(0,0,n,r);let[l,u]=this.flip?[...B[e.axis]].reverse():B[e.
axis];t.font=`600 12px ${s.font}`,t.fillStyle=h.faint,t.textBaseline="middle",t.textAlign="left",t.fillText(l,3,r/2),t.textAlign="right",t.fillText(u,n-3,r/2);let d=i.
measured,c=d?.positive[e.axis],f=d?.negative[e.axis],m=i.map?.signed??!1,g=m?Math.round(r/2):r-3;if(d){let E=Math.max(...c,...f.map(w=>-w))||1,A=m?r/2-3:r-6,b=this.
inset.width/c.length,O=(w,T,W)=>{t.fillStyle=W,t.fillRect(this.x(w)-b/2,Math.min(g,g-T),Math.max(b,.5)+.3,Math.abs(T))};for(let w=0;w<c.length;w+=1)c[w]&&O(w,A*
c[w]/E,h.positive),f[w]&&m&&O(w,A*f[w]/E,h.negative)}t.fillStyle=h.border,t.fillRect(this.inset.left,g,this.inset.width,1);let S=this.x(a);t.fillStyle=h.text,t.
fillRect(S-1,2,2,r-4),this.canvas.setAttribute("aria-valuenow",String(a));let v=s.space.mm(s.cursor)[e.axis];this.canvas.setAttribute("aria-valuetext",`${e.coordinate}\
 = ${z(v)} mm`)}};var xt=class{constructor(t,e){this.name=t.name,this.names=t.names,this.codes=L(e,t.bits)}at(t){let e=this.codes[t];return e===0?"outside the areas":this.names[e-
1]}};function De(o,[t,e,s]){let i=u=>[u%t,Math.floor(u/t)%e,Math.floor(u/(t*e))],n=new Set(o),r=[];for(let u of o){if(!n.delete(u))continue;let d=[u];for(let c=0;c<d.
length;c+=1){let f=i(d[c]);for(let[m,g,S]of[[0,1,t],[1,t,e],[2,t*e,s]])f[m]>0&&n.delete(d[c]-g)&&d.push(d[c]-g),f[m]<S-1&&n.delete(d[c]+g)&&d.push(d[c]+g)}d.length>
r.length&&(r=d)}let a=r.map(i),h=[0,1,2].map(u=>a.reduce((d,c)=>d+c[u],0)/a.length),l=a.map(u=>u.reduce((d,c,f)=>d+(c-h[f])**2,0));return r[l.reduce((u,d,c)=>d<
l[u]?c:u,0)]}var bt=class{constructor(t){this.below=new Uint32Array(t.length+1);for(let e=0;e<t.length;e+=1)this.below[e+1]=this.below[e]+t[e];this.count=this.below[t.length]}magnitude(t){
let e=Math.min(this.count,Math.ceil(t*this.count/100)),[s,i]=[0,this.below.length-2];for(;s<i;){let n=s+i>>1;this.below[n+1]>=e?i=n:s=n+1}return s}percentBelow(t){
return this.count?100*this.below[t]/this.count:0}};var vt=class{constructor(t,e,s){Object.assign(this,{scale:t.scale,zero:t.zero,codes:L(e,t.bits)}),this.signed=t.signed;let i=new Uint32Array(65536),n=0,r=[];for(let a=0;a<
this.codes.length;a+=1){let h=this.codes[a];if(h===65535||h===this.zero)continue;let l=this.signed?Math.abs(h-this.zero):h-this.zero;l<=0||(i[l]+=1,l>n&&([n,r]=
[l,[]]),l===n&&r.push(a))}this.peak=r.length?De(r,s):-1,this.percentiles=new bt(i),this.count=this.percentiles.count,this.top=n*this.scale,this.flat=this.count>
0&&i[n]===this.count}value(t){let e=this.codes[t];return e===65535?NaN:(e-this.zero)*this.scale}quantile(t){return this.percentiles.magnitude(t)*this.scale}percentOf(t){
let e=x(Math.ceil(t/this.scale-1e-6),0,65535);return this.percentiles.percentBelow(e)}cuts(t){let e=Math.max(1,Math.ceil(t/this.scale-1e-6));return{high:this.zero+
e,low:this.signed?this.zero-e:-1}}ownRange(){let t=this.quantile(99.9),e=(this.top>1.5*t&&t>0?t:this.top)||1;return this.signed?[-e,e]:[0,e]}};var yt=class{constructor(t,e){this.codes=L(e,t.bits),this.low=t.low,this.high=t.high,this.window=t.window,this.table=new Uint32Array(256)}value(t){return this.low+
this.codes[t]/255*(this.high-this.low)}code(t){return 255*(t-this.low)/(this.high-this.low)}setWindow(t,e){let[s,i]=this.window,n=r=>this.code(s+r*(i-s));ve(n(t),
n(e),this.table)}bounds(t){if(this.box)return this.box;let e=t.shape.map(a=>new Uint32Array(a)),s=Math.max(1,this.code(this.window[0])),[i,n,r]=t.shape;for(let a=0,
h=0;a<r;a+=1)for(let l=0;l<n;l+=1)for(let u=0;u<i;u+=1,h+=1)this.codes[h]<=s||(e[0][u]+=1,e[1][l]+=1,e[2][a]+=1);return this.box=e.map(a=>{let h=a.findIndex(l=>l>
0);return h<0?[0,a.length-1]:[h,a.findLastIndex(l=>l>0)]}),this.box}};function zs(){return globalThis.mriinterpVolumes??=new Map,globalThis.mriinterpVolumes}function Cs(o){let t=zs();if(!t.has(o)){let e={users:0,started:!1};e.promise=
new Promise((s,i)=>Object.assign(e,{resolve:s,reject:i})),t.set(o,e)}return t.get(o)}function Ue(o){return Cs(o).promise}var kt=class{constructor(){this.decoded=new Map}async obtain(t,e,s){return this.decoded.has(t)||this.decoded.set(t,s(await Ue(e.volume))),this.decoded.get(t)}async load(t){
let e=c=>`scan ${c.volume}`,s=c=>`areas ${c.volume}`,i=(c,f,m)=>Promise.all(c.map(g=>this.obtain(f(g),g,S=>m(g,S)))),n=c=>`contour ${c.volume} ${c.name} ${c.color}`,
r=t.atlas?[t.atlas]:[],[a,h,[l=null],u]=await Promise.all([i(t.scans,e,(c,f)=>new yt(c,f)),i(t.layers,St,(c,f)=>new vt(c,f,t.shape)),i(r,s,(c,f)=>new xt(c,f)),i(
t.contours,n,(c,f)=>({...c,codes:L(f,c.bits)}))]),d=new Set([...t.scans.map(e),...t.layers.map(St),...r.map(s),...t.contours.map(n)]);return{scans:a,maps:h,areas:l,
contours:u,used:d}}keepOnly(t){for(let e of this.decoded.keys())t.has(e)||this.decoded.delete(e)}};function St(o){return`${o.volume}${o.signed}`}var Mt=class{constructor(t,e,s,i){Object.assign(this,{viewer:t,scan:s,map:i}),this.name=e?.name??"",this.unit=e?.unit??"",this.given=e?.range??null,this.part=e?.
signed?e.part:"both",this.ends=e?.ends??null,this.id=e?St(e):"",this.measured=null,this.table=new Uint32Array(65536),this.bar=i?new pt(this):null,this.panes=k.map(
n=>new gt(t,this,n)),this.profiles=i?k.map(n=>new wt(t,this,n)):[],this.mosaic=new ft(t,this),this.reading=p("span",{class:"reading",title:"Value at the crossha\
ir","data-text":!0}),this.meaning=p("span",{class:"unit","data-text":!0}),this.planes=p("div",{class:"planes"}),this.head=p("div",{class:"head"},p("span",{class:"\
name",text:this.name||t.spec.scanLabel,title:this.name,"data-text":!0}),this.reading,p("span",{class:"spring"}),this.meaning,this.bar?.element),this.element=p("\
section",{class:"view","aria-label":this.name||"Scan"},this.head,this.planes)}get mask(){return this.measured?.mask??null}resolveThreshold(){let{settings:t,thresholdSetting:e}=this.
viewer,{map:s}=this,i=s.flat?0:e;this.threshold=t.threshold_mode==="percentile"?s.quantile(i):e}ownRange(){if(!this.given)return this.map.ownRange();let[t,e]=this.
given;if(!this.map.signed)return e>t?[t,e]:[t,t+1];let s=M(this.given)||1;return[-s,s]}shownSide([t,e]){return[this.part==="positive"?0:t,this.part==="negative"?
0:e]}color(t){let{settings:e}=this.viewer;this.range=this.shownSide(t),this.cuts=this.map.cuts(this.threshold),this.ramp=this.map.signed?Lt("signed",e.signedScale,
this.part):Lt("unsigned",e.unsignedScale);let{ramp:s,cuts:i}=this;be(this.map,{ramp:s,range:this.range,cuts:i,opacity:e.opacity,fade:e.fade},this.table)}describe(){
let t=this.viewer.views.filter(i=>i.map&&i!==this),e=t.filter(i=>M(i.range)===M(this.range)),s=e.length===0?"own scale":e.length===t.length?"common scale":`scal\
e shared with ${e.map(i=>i.name).join(", ")}`;this.meaning.textContent=[t.length?s:"",this.unit].filter(Boolean).join(" · "),this.meaning.title=this.meaning.textContent}draw(){
if(this.viewer.settings.view==="mosaic"){this.mosaic.draw();return}for(let t of this.viewer.shownPlanes)this.panes[t.axis].draw(),this.profiles[t.axis]?.draw()}};
function Ve(o,t){o.forEach(r=>r.resolveThreshold());let e=o.map(r=>r.ownRange()),s=t.top??Math.max(...e.map(M)),i=Math.min(0,...e.filter((r,a)=>!o[a].map.signed).
map(r=>r[0])),n=t.share_range||t.top!==null;o.forEach((r,a)=>{r.color(n?r.map.signed?[-s,s]:[i,s]:e[a])}),o.forEach(r=>r.describe())}var At=class{constructor(t){this.viewer=t}get zoom(){let{settings:t,space:e}=this.viewer;if(!t.zoom)return _t;let[s,...i]=t.zoom;return F({factor:s,centre:e.shares(
e.toVoxel(i))})}set zoom(t){this.viewer.set({zoom:this.asSetting(t)})}asSetting({factor:t,centre:e}){let{space:s}=this.viewer,i=s.mm(s.fromShares(e));return t>1?
[t,...i].map(n=>Math.round(1e3*n)/1e3):null}zoomBy(t,e=this.viewer.space.shares(this.viewer.cursor)){this.viewer.settings.view==="ortho"&&(this.zoom=Le(this.zoom,
t,e))}zoomOut(){this.zoom=_t}panBy(t){this.viewer.settings.zoom&&(this.zoom=Ne(this.zoom,t))}follow(t,e){if(!this.viewer.settings.zoom)return;let{zoom:s}=this,i=this.
viewer.space.shares(t).map((n,r)=>e.includes(r)?s.centre[r]:n);this.viewer.settings.zoom=this.asSetting(Ie(s,i))}};var Rs=180,Ot=400,Et=class{constructor(t){this.views=[],this.volumes=new kt,this.pending=new Set,this.frames={count:0,last:0,longest:0},this.active=2,this.measurer=
new X((e,s)=>this.takeMeasure(e,s)),this.focus=new q(this),this.viewport=new At(this),this.player=new tt(this,e=>this.showPlaying(e)),this.reporter=new et(()=>this.
player.playing?null:this.reported),this.stage=p("div",{class:"stage"},p("p",{class:"wait",text:"Loading the images …"})),this.footer=new Z,this.root=p("div",{
class:"mriinterp-viewer","data-ready":"false"},this.stage,this.footer.element),this.root.mriinterpViewer=this,t.append(this.root),this.observer=new ResizeObserver(
()=>this.spec&&this.root.clientWidth!==this.laidOut&&this.ask("layout")),this.observer.observe(this.root)}async accept(t){let{data:e,setStateValue:s}=t;this.reporter.
send=r=>s("cursor",r);let i=JSON.stringify(e);if(i===this.specText){Object.assign(this,$t(this.root)),this.ask("color");return}this.specText=i;let n=!this.spec;
n&&ne(this,e);try{let r=await this.volumes.load(e);if(i!==this.specText||this.closed)return;this.take(e,r,n)}catch(r){this.stage.replaceChildren(p("p",{class:"w\
ait",role:"alert",text:`The images could not be read: ${r.message}`}))}}take(t,e,s){let[i,n]=[this.spec,s&&J(t.key)?.due];this.spec=t,de(this),this.volumes.keepOnly(
e.used),this.measurer.keepOnly(e.used);let r=a=>JSON.stringify([a.shape,a.affine,a.scans,a.layers,a.atlas]);(s||r(i)!==r(t))&&this.build(t,e),this.footer.note(t),
this.contours=e.contours.map(a=>({...a,outlines:new D(this.space,a.codes)})),this.takeSettings(t),this.takeCursor(t,s),this.ask(...I),_(this),n&&this.report()}build(t,{
scans:e,maps:s,areas:i}){this.space=new N(t),this.areas=i,this.outlines=i?new D(this.space,i.codes):null;let n=t.layers.length?t.layers:[null];this.views=n.map(
(r,a)=>new Mt(this,r,e[r?.scan??0],r?s[a]:null));for(let r of this.views)r.map&&this.measurer.load(r.id,r.map.codes,t.shape,r.map.zero);this.cursor&&(this.cursor=
this.space.inside(this.cursor)),this.toolbar||(this.toolbar=new ct(this),this.root.append(this.toolbar.element)),this.focus.whileReplacing(()=>ae(this).stage.replaceChildren(
...this.views.map(r=>r.element))),this.footer.describeShown(this)}takeSettings({settings:t,begin:e}){let s=this.given?this:J(this.spec.key);this.settings=s?.begin===
e?$(t,s?.settings):$(t),Object.assign(this.settings,Jt(s?.given??t,t)),Object.assign(this,{given:t,begin:e})}takeCursor(t,e){let{asked:s,kept:i,waiting:n}=me(e?
J(t.key):this,t,this.peak()),r=s?this.space.fromMm(s):i&&this.space.inside(i);this.cursor=r??(this.waiting?null:this.cursor)??this.peak()??this.space.center,Object.
assign(this,{waiting:n,moved:!e&&this.move!==t.move,move:t.move}),this.viewport.follow(this.cursor,[])}peak(){let t=(this.views.includes(this.activeView)?this.activeView:
this.views[0])?.map;return t&&t.peak>=0?this.space.voxelAt(t.peak):null}get shownPlanes(){return Ct(this.settings)}get thresholdSetting(){return te(this.settings)}set(t){
if("threshold_mode"in t&&t.threshold_mode!==this.settings.threshold_mode){let e=this.views.find(s=>s.map);e&&(t.threshold=t.threshold_mode==="value"?e.threshold:
e.map.percentOf(e.threshold))}Object.assign(this.settings,Qt(t,this.settings)),this.ask("controls",...Zt(t)),this.report(Ot)}reset(){this.settings=$(this.spec.usual??
this.spec.settings),this.ask(...I),this.report(Ot)}moveTo(t,e=[]){this.waiting=!1,!this.cursor.every((s,i)=>s===t[i])&&(this.cursor=t,this.viewport.follow(t,e),
this.ask(),this.report(Ot))}step(t,e){let s=[...this.cursor];s[t]+=e,this.moveTo(this.space.inside(s))}activate(t,e){this.active=t,this.activeView=e}toPeak(){let t=this.
peak();t&&(this.player.stop(),this.moveTo(t),this.report())}showPlaying(t){this.toolbar.showPlaying(t),t||this.report(Ot)}get reported(){return{mm:this.space.mm(
this.cursor).map(e=>Math.round(1e6*e)/1e6),move:this.move,begin:this.begin,settings:{...Xt(this.settings),threshold:this.thresholdSetting}}}report(t=Rs){!this.spec.
report||this.closed||fe(this,t)||(this.reporter.ask(t),_(this))}ask(...t){t.forEach(e=>this.pending.add(e)),this.request??=requestAnimationFrame(()=>{this.request=
null,this.frame()})}frame(){if(!this.spec||this.closed)return;let t=performance.now(),e=new Set(this.pending);this.pending.clear();let s=this.views.filter(i=>i.
map);if((e.has("measure")||e.has("color"))&&Ve(s,this.settings),this.footer.describePlace(this),this.toolbar.showCursor(this.space.mm(this.cursor)),e.has("layou\
t")){if(Object.assign(this,$t(this.root)),!this.focus.whilePlacing(()=>le(this))){this.pending=e;return}this.laidOut=this.root.clientWidth}if(e.has("window"))for(let i of this.
views)i.scan.setWindow(this.settings.black,this.settings.white);if(e.has("measure"))for(let i of s)this.measurer.ask(i.id,i.cuts.low,i.cuts.high,this.settings.cluster);
if(e.has("color")||e.has("layout")||e.has("measure"))for(let i of s)i.bar.draw(this);e.size&&(this.toolbar.sync(),this.footer.describeSettings(this)),this.draw(),
this.moved&&(ge(this),this.moved=!1),_(this),this.frames.last=performance.now()-t,this.frames.longest=Math.max(this.frames.longest,this.frames.last),this.frames.
count+=1,this.root.dataset.ready="true"}takeMeasure(t,e){for(let s of this.views)s.id===t&&(s.measured=e);this.footer.describeShown(this),this.ask()}draw(){for(let t of this.
views)t.draw()}patchWindow(){return G(this.spec.patch,this.cursor)}close(){this.spec&&_(this),this.closed=!0,this.player.stop(),this.reporter.close(),this.observer.
disconnect(),this.measurer.close(),this.root.remove()}};var H=new WeakMap;function wn(o){let t=o.parentElement;return H.has(t)||H.set(t,new Et(t)),H.get(t).accept(o),()=>{H.get(t)?.close(),H.delete(t)}}export{wn as default};
