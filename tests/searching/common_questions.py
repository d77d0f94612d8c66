"""What people ask picture folders for, in many languages: the fallback's centre is the mean of their vectors.

They were written without a look at `collection`; the topics are everyday ones, so that no single one weighs much.
"""

COMMON = """
photo of my family
pictures from last summer
invoice from the electricity company
screenshot of an error message
the map of the trail
birthday party with friends
a flower in the garden
old letter
my desk at work
snow on the mountains
concert
phone number
dog
blue car at night
meeting notes
Familienfoto
Bilder vom letzten Sommer
Stromrechnung
Bildschirmfoto mit Fehlermeldung
Wanderkarte
Geburtstagsfeier mit Freunden
Blume im Garten
alter Brief
Schnee auf den Bergen
Telefonnummer
foto de mi familia
factura de la luz
captura de pantalla con un error
mapa del camino
fiesta de cumpleaños
flor en el jardín
carta antigua
nieve en la montaña
número de teléfono
gato negro
photo de ma famille
facture d'électricité
capture d'écran d'une erreur
carte de randonnée
fête d'anniversaire
une fleur dans le jardin
vieille lettre
neige à la montagne
numéro de téléphone
foto della mia famiglia
bolletta della luce
mappa del sentiero
festa di compleanno
un fiore in giardino
foto da minha família
conta de luz
mapa da trilha
festa de aniversário
foto van mijn familie
rekening van de elektriciteit
verjaardagsfeest
семейное фото
счёт за электричество
снимок экрана с ошибкой
карта маршрута
день рождения с друзьями
цветок в саду
старое письмо
снег в горах
номер телефона
zdjęcie rodziny
rachunek za prąd
urodziny
aile fotoğrafı
elektrik faturası
doğum günü
全家福照片
电费账单
错误信息截图
路线地图
生日聚会
花园里的花
旧信
山上的雪
电话号码
会议记录
家族の写真
電気料金の請求書
エラー画面
登山の地図
誕生日パーティー
庭の花
古い手紙
山の雪
電話番号
가족 사진
전기 요금 청구서
오류 화면
생일 파티
정원의 꽃
눈 덮인 산
صورة عائلتي
فاتورة الكهرباء
عيد ميلاد
خريطة الطريق
תמונה משפחתית
חשבון חשמל
यात्रा का नक्शा
परिवार की फोटो
जन्मदिन की पार्टी
รูปครอบครัว
ใบแจ้งค่าไฟ
งานวันเกิด
ảnh gia đình
hóa đơn tiền điện
""".strip().splitlines()
